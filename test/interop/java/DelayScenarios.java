import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages of the delay levels. */
final class DelayScenarios {
    static void delay(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_delays");
        long[] delaysMs = {0, 1_000, 1_000, 5_000};
        int[] levels = {0, 1, 1, 2};
        Map<String, Long> sentAt = new ConcurrentHashMap<>();
        for (int i = 0; i < levels.length; i++) {
            Message message = new Message(topic, "late", ("message " + i).getBytes(StandardCharsets.UTF_8));
            message.setDelayTimeLevel(levels[i]);
            sentAt.put("message " + i, System.currentTimeMillis());
            SendResult result = producer.send(message);
            Drive.need(result.getSendStatus() == SendStatus.SEND_OK, "a message of level " + levels[i] + " is taken");
        }
        Map<String, MessageExt> received = new ConcurrentHashMap<>();
        CountDownLatch open = new CountDownLatch(levels.length);
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("delays_" + topic));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "late");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (received.put(new String(message.getBody(), StandardCharsets.UTF_8), message) == null) open.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Drive.need(open.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "all of them come: " + received.keySet());
        for (int i = 0; i < levels.length; i++) {
            MessageExt message = received.get("message " + i);
            long waitedMs = message == null ? -1 : message.getStoreTimestamp() - sentAt.get("message " + i);
            // How much later it may be nobody says.
            Drive.need(waitedMs >= delaysMs[i], "message " + i + " of level " + levels[i] + " was stored after " + waitedMs + " ms");
            Drive.need(message != null && message.getDelayTimeLevel() == levels[i], "it says its level");
        }
        consumer.shutdown();
        producer.shutdown();
    }

    private DelayScenarios() { }
}
