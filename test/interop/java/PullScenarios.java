import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What Java's pull consumers expect of a cluster. All of it holds on Apache's own brokers. */
final class PullScenarios {
    private static final int QUEUES = 4;
    private static final int COUNT = 20;

    /** Polling with shared queues, assigned queues with a seek, and single pulls. */
    static void pull(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_java_pull_producer");
        producer.createTopic("TBW102", topic, QUEUES);
        List<MessageQueue> queues = Drive.queues(producer, topic);
        for (int i = 0; i < COUNT; i++) producer.send(new Message(topic, "t", utf8("" + i)), queues.get(i % QUEUES));
        subscribed(nameServer, topic);
        MessageQueue queue = assigned(nameServer, topic);
        single(nameServer, topic, queue);
        producer.shutdown();
    }

    @SuppressWarnings("deprecation")
    private static void subscribed(String nameServer, String topic) throws Exception {
        DefaultLitePullConsumer consumer = lite(nameServer, "lite_" + topic);
        consumer.subscribe(topic, "t");
        consumer.start();
        Set<String> seen = poll(consumer, COUNT);
        Drive.need(seen.size() == COUNT, "polled: " + seen.size());
        consumer.commitSync();
        consumer.shutdown();
        Clients.leaveOffsets(nameServer, consumer.getConsumerGroup(), consumer.getOffsetStore().cloneOffsetTable(null));
        DefaultLitePullConsumer again = lite(nameServer, "lite_" + topic);
        again.subscribe(topic, "t");
        again.start();
        Set<String> more = poll(again, 1, 2_000);
        Drive.need(more.isEmpty(), "the group goes on where it committed: " + more);
        again.shutdown();
    }

    private static MessageQueue assigned(String nameServer, String topic) throws Exception {
        DefaultLitePullConsumer consumer = lite(nameServer, "assign_" + topic);
        consumer.start();
        MessageQueue queue = consumer.fetchMessageQueues(topic).iterator().next();
        consumer.assign(List.of(queue));
        Set<String> first = poll(consumer, COUNT / QUEUES);
        Drive.need(first.size() == COUNT / QUEUES, "polled of one queue: " + first.size());
        consumer.seek(queue, 2);
        Set<String> second = poll(consumer, COUNT / QUEUES - 2);
        Drive.need(second.size() == COUNT / QUEUES - 2 && first.containsAll(second), "polled after a seek: " + second);
        consumer.shutdown();
        return queue;
    }

    @SuppressWarnings("deprecation")
    private static void single(String nameServer, String topic, MessageQueue queue) throws Exception {
        DefaultMQPullConsumer consumer = Clients.at(nameServer, new DefaultMQPullConsumer("pull_" + topic));
        consumer.start();
        PullResult found = consumer.pull(queue, "*", 0, 3);
        Drive.need(found.getPullStatus() == PullStatus.FOUND && found.getMsgFoundList().size() == 3, "pulled: " + found);
        Drive.need(consumer.pull(queue, "u", 0, 32).getPullStatus() == PullStatus.NO_MATCHED_MSG, "nothing of that tag");
        Drive.need(consumer.pull(queue, "*", 99, 32).getPullStatus() == PullStatus.OFFSET_ILLEGAL, "no such offset");
        PullResult end = consumer.pull(queue, "*", found.getMaxOffset(), 32);
        Drive.need(end.getPullStatus() == PullStatus.NO_NEW_MSG, "nothing at the end: " + end);
        consumer.updateConsumeOffset(queue, 3);
        Drive.need(consumer.fetchConsumeOffset(queue, false) == 3, "remembers its offset");
        consumer.shutdown();
    }

    private static DefaultLitePullConsumer lite(String nameServer, String group) {
        DefaultLitePullConsumer consumer = Clients.at(nameServer, new DefaultLitePullConsumer(group));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    private static Set<String> poll(DefaultLitePullConsumer consumer, int count) {
        return poll(consumer, count, Drive.PATIENCE_S * 1_000L);
    }

    private static Set<String> poll(DefaultLitePullConsumer consumer, int count, long timeoutMs) {
        long deadline = System.currentTimeMillis() + timeoutMs;
        Set<String> seen = new HashSet<>();
        while (seen.size() < count && System.currentTimeMillis() < deadline) {
            for (MessageExt message : consumer.poll(500)) seen.add(new String(message.getBody(), StandardCharsets.UTF_8));
        }
        return seen;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private PullScenarios() { }
}
