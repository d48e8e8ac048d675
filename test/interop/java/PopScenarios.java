import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;

/** What Java's push consumer of 5.x expects of a broker that it pops from. It runs with the client of 5.5.0 alone. */
final class PopScenarios {
    private static final int INVISIBLE_MS = 8_000;

    /**
     * Every message of a topic comes once, but for the first, which is sent back and comes again ten seconds later: by then
     * one that was not acknowledged would have come again.
     */
    static void pop(String nameServer, String topic, int count) throws Exception {
        Map<String, Integer> times = new ConcurrentHashMap<>();
        Map<String, Integer> lastTry = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("group_" + topic));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "t");
        // 4.9, with which this is compiled, has neither.
        DefaultMQPushConsumer.class.getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
        DefaultMQPushConsumer.class.getMethod("setPopInvisibleTime", long.class).invoke(consumer, (long) INVISIBLE_MS);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            ConsumeConcurrentlyStatus status = ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            for (var message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                times.merge(body, 1, Integer::sum);
                lastTry.put(body, message.getReconsumeTimes());
                if (body.equals("0") && message.getReconsumeTimes() == 0) status = ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
            return status;
        });
        consumer.start();
        long deadline = System.nanoTime() + Drive.PATIENCE_S * 1_000_000_000L;
        while (lastTry.getOrDefault("0", 0) == 0 && System.nanoTime() < deadline) Thread.sleep(50);
        Map<String, Integer> expected = new TreeMap<>();
        for (int i = 0; i < count; i++) expected.put("" + i, i == 0 ? 2 : 1);
        Drive.need(new TreeMap<>(times).equals(expected), "each came once, and the first again: " + times);
        Drive.need(lastTry.get("0") == 1, "the first came for its second try: " + lastTry);
        consumer.shutdown();
    }

    private PopScenarios() { }
}
