import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What a Java push consumer expects of a cluster. All of it holds on Apache's own brokers. */
final class ConsumeScenarios {
    private static final String GROUP = "interop_java_consumer_producer";

    /** A subscription to some tags gets those only, and a group goes on where it stopped. */
    static void tags(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        for (int i = 0; i < 30; i++) producer.send(new Message(topic, List.of("red", "green", "blue").get(i % 3), utf8("" + i)));
        Set<String> wanted = new TreeSet<>();
        for (int i = 0; i < 30; i++) if (i % 3 != 1) wanted.add("" + i);

        Set<String> first = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = consumer(nameServer, topic, "tags", "red || blue", message -> first.add(text(message)));
        Drive.need(Drive.eventually(() -> first.size() >= wanted.size()) && new TreeSet<>(first).equals(wanted), "by tag: " + new TreeSet<>(first));
        Clients.stop(nameServer, consumer);

        producer.send(new Message(topic, "red", utf8("later")));
        Set<String> second = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer again = consumer(nameServer, topic, "tags-again", "red || blue", message -> second.add(text(message)));
        Drive.need(Drive.eventually(() -> second.contains("later")) && second.size() == 1, "the group went on where it stopped: " + second);
        again.shutdown();
        producer.shutdown();
    }

    /** A consumer that waits at the end of its queues gets a message at once: the broker holds its pulls. */
    static void waiting(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        producer.send(new Message(topic, utf8("first")));
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        DefaultMQPushConsumer consumer = consumer(nameServer, topic, "waiting", "*", message -> seen.add(text(message)));
        Drive.need("first".equals(seen.poll(Drive.PATIENCE_S, TimeUnit.SECONDS)), "the consumer runs");
        List<Long> tookMs = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            long before = System.nanoTime();
            producer.send(new Message(topic, utf8("message " + i)));
            String got = seen.poll(Drive.PATIENCE_S, TimeUnit.SECONDS);
            tookMs.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before));
            Drive.need(("message " + i).equals(got), "message " + i + " came: " + got);
        }
        // A broker that did not wake the pull would let each wait for 5 s and more; a machine that is busy lets some.
        Drive.need(tookMs.stream().filter(ms -> ms < 3_000).count() >= 3, "they came after milliseconds " + tookMs);
        consumer.shutdown();
        producer.shutdown();
    }

    /** Two members of a group share the queues, and the one that stays takes over all of them, without losing a message. */
    static void share(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        producer.send(new Message(topic, utf8("first")));
        Map<String, String> seen = new ConcurrentHashMap<>();
        DefaultMQPushConsumer one = consumer(nameServer, topic, "one", "*", message -> seen.put(text(message), "one"));
        DefaultMQPushConsumer two = consumer(nameServer, topic, "two", "*", message -> seen.put(text(message), "two"));
        Drive.need(Drive.eventually(() -> queues(one, topic) == 2 && queues(two, topic) == 2), "two queues each");
        for (int i = 0; i < 40; i++) producer.send(new Message(topic, utf8("shared " + i)));
        Drive.need(Drive.eventually(() -> seen.size() == 41), "all came: " + seen.size());
        seen.remove("first");
        Drive.need(new HashSet<>(seen.values()).size() == 2, "to both of them: " + seen);
        two.shutdown();
        Drive.need(Drive.eventually(() -> queues(one, topic) == 4), "the one that stays takes all queues");
        for (int i = 0; i < 8; i++) producer.send(new Message(topic, utf8("alone " + i)));
        Drive.need(Drive.eventually(() -> seen.size() == 48), "all came to the one that stays: " + seen.size());
        one.shutdown();
        producer.shutdown();
    }

    private static int queues(DefaultMQPushConsumer consumer, String topic) {
        List<MessageQueue> queues = new ArrayList<>(consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet());
        queues.removeIf(queue -> !queue.getTopic().equals(topic));
        return queues.size();
    }

    /** Every consumer is a client of its own, so that members of one group count as two. */
    private static DefaultMQPushConsumer consumer(
        String nameServer, String topic, String instance, String expression, Consumer<MessageExt> seen) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("group_" + topic));
        consumer.setInstanceName(instance);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, expression);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(seen);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private ConsumeScenarios() { }
}
