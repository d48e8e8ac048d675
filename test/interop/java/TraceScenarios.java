import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.trace.TraceView;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** What Java clients that trace expect of a cluster. All of it holds on Apache's own brokers. */
final class TraceScenarios {
    private static final String TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";

    /** A message is sent and consumed, and its traces are found by its id and by its key. Prints `id <msgId>`. */
    static void trace(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.at(nameServer, new DefaultMQProducer("interop_java_tracer", true));
        producer.setSendMsgTimeout(Drive.PATIENCE_S * 1_000);
        producer.start();
        Message message = new Message(topic, "traced", "key-of-" + topic, "x".getBytes(StandardCharsets.UTF_8));
        SendResult result = producer.send(message);
        System.out.println("id " + result.getMsgId());
        Drive.queues(producer, topic);

        CountDownLatch open = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("group_" + topic, true));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            open.countDown();
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Drive.need(open.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "the message is consumed");

        // They are sent, and found, a moment later.
        Drive.eventually(() -> views(producer, result.getMsgId(), result.getMsgId()).size() >= 3);
        List<String> seen = new ArrayList<>();
        for (TraceView view : views(producer, result.getMsgId(), result.getMsgId())) seen.add(view.getMsgType() + " " + view.getGroupName() + " " + view.getStatus() + " " + view.getKeys());
        seen.sort(null);
        Drive.need(seen.equals(List.of(
            "Pub interop_java_tracer success key-of-" + topic,
            "SubAfter group_" + topic + " success key-of-" + topic,
            "SubBefore group_" + topic + " success key-of-" + topic)), "by its id: " + seen);
        Drive.need(Drive.eventually(() -> views(producer, "key-of-" + topic, result.getMsgId()).size() == 3), "and by its key");
        consumer.shutdown();
        producer.shutdown();
    }

    /** What the trace messages under `key` say of the message. */
    @SuppressWarnings("deprecation")
    private static List<TraceView> views(DefaultMQProducer producer, String key, String msgId) throws Exception {
        List<TraceView> views = new ArrayList<>();
        try {
            QueryResult found = producer.queryMessage(TRACE_TOPIC, key, 32, 0, System.currentTimeMillis() + 60_000);
            for (MessageExt message : found.getMessageList()) views.addAll(TraceView.decodeFromTraceTransData(msgId, message));
        } catch (MQClientException none) {
            // Neither the topic nor the trace need to be there yet.
        }
        return views;
    }

    private TraceScenarios() { }
}
