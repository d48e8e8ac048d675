import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** A Java member of an ordered group in which others are members too. */
final class OrderlyMember {
    /** Is a member for some seconds from its first message on, and prints `handled QUEUE OFFSET BODY BEGAN-MS ENDED-MS` for each. */
    static void run(String nameServer, String topic, String group, int seconds) throws Exception {
        // By itself it gives its locks back while its listener runs.
        DefaultMQPushConsumer consumer = Clients.finishing(Clients.at(nameServer, new DefaultMQPushConsumer(group)));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        CountDownLatch begun = new CountDownLatch(1);
        Queue<String> lines = new ConcurrentLinkedQueue<>();
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            long beganMs = System.currentTimeMillis();
            begun.countDown();
            for (MessageExt message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                lines.add("handled " + message.getQueueId() + " " + message.getQueueOffset() + " " + body + " " + beganMs + " " + System.currentTimeMillis());
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Drive.need(begun.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "it became a member");
        TimeUnit.SECONDS.sleep(seconds);
        consumer.shutdown();
        lines.forEach(System.out::println);
    }

    private OrderlyMember() { }
}
