import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/** A Java member of a broadcasting group whose file of offsets others have written, and will read. */
final class BroadcastMember {
    /** Prints `got BODY` for COUNT messages, and for what comes within a second behind them. */
    static void run(String nameServer, String topic, String group, String clientIp, String instance, int count) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer(group));
        consumer.setClientIP(clientIp);
        consumer.setInstanceName(instance);
        consumer.setMessageModel(MessageModel.BROADCASTING);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        BlockingQueue<String> bodies = new LinkedBlockingQueue<>();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) bodies.add(new String(message.getBody(), StandardCharsets.UTF_8));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        int got = 0;
        for (String body = bodies.poll(Drive.PATIENCE_S, TimeUnit.SECONDS); body != null; body = bodies.poll(got < count ? Drive.PATIENCE_S : 1, TimeUnit.SECONDS)) {
            System.out.println("got " + body);
            got++;
        }
        Drive.need(got >= count, "got " + got + " of " + count);
        Clients.stop(nameServer, consumer);
    }

    private BroadcastMember() { }
}
