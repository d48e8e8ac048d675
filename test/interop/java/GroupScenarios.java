import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/** What Java's push consumers expect beside a plain group: filters, order, retries, broadcasts. All of it holds on Apache's own brokers. */
final class GroupScenarios {
    private static final String GROUP = "interop_java_groups_producer";

    /** An expression over properties gets what it matches, and one that is none does not start a consumer. */
    static void sql(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        for (int i = 0; i < 12; i++) {
            Message message = new Message(topic, "Tag" + "ABCD".charAt(i % 4), utf8("" + i));
            message.putUserProperty("number", "" + i);
            message.putUserProperty("colour", i % 2 == 0 ? "red" : "blue");
            producer.send(message);
        }
        Set<String> seen = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = consumer(nameServer, topic, "sql");
        consumer.subscribe(topic, MessageSelector.bySql("number between 3 and 7 and colour = 'blue' and TAGS <> 'TagB'"));
        concurrently(consumer, message -> {
            seen.add(text(message));
            return true;
        });
        consumer.start();
        // Every fourth is of TagB: of 3, 5 and 7 it is 5.
        Drive.need(Drive.eventually(() -> seen.containsAll(Set.of("3", "7"))), "by properties: " + new TreeSet<>(seen));
        // What comes now goes through the same filter, and the pull that waits.
        for (String colour : List.of("red", "blue")) {
            Message message = new Message(topic, "TagA", utf8("later " + colour));
            message.putUserProperty("number", "4");
            message.putUserProperty("colour", colour);
            producer.send(message);
        }
        Drive.need(Drive.eventually(() -> seen.contains("later blue")), "a filter wakes for what it matches");
        Drive.need(seen.equals(Set.of("3", "7", "later blue")), "and nothing else: " + new TreeSet<>(seen));
        consumer.shutdown();
        DefaultMQPushConsumer wrong = consumer(nameServer, topic, "wrong");
        wrong.subscribe(topic, MessageSelector.bySql("number ="));
        concurrently(wrong, message -> true);
        try {
            wrong.start();
            Drive.need(false, "an expression that is none");
        } catch (Exception error) {
            Drive.need(true, "an expression that is none: " + error.getMessage());
        }
        wrong.shutdown();
        producer.shutdown();
    }

    /** Two members lock the queues between them; each queue is in order, through a message that is refused for a while. */
    static void orderly(String nameServer, String topic) throws Exception {
        // Who has a queue lets go of it 20 s later by itself.
        System.setProperty("rocketmq.client.unlockDelayTimeMills", "1000");
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        producer.send(new Message(topic, "skip", utf8("creates the topic")));
        List<MessageQueue> queues = Drive.queues(producer, topic);
        for (int i = 0; i < 40; i++) send(producer, topic, queues, i);
        Map<String, List<Integer>> seen = new ConcurrentHashMap<>();
        Set<String> refused = ConcurrentHashMap.newKeySet();
        Set<String> members = ConcurrentHashMap.newKeySet();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        for (String member : List.of("one", "two")) {
            DefaultMQPushConsumer consumer = consumer(nameServer, topic, member);
            consumer.subscribe(topic, "ordered");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                for (MessageExt message : messages) {
                    // The first try of every tenth fails: the queue stands still until it is taken.
                    if (Integer.parseInt(text(message)) % 10 == 5 && refused.add(text(message))) {
                        context.setSuspendCurrentQueueTimeMillis(200);
                        return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
                    }
                    members.add(member);
                    // Again where a queue changed hands: who had it had not said yet how far it was.
                    List<Integer> numbers = seen.computeIfAbsent(message.getKeys(), key -> Collections.synchronizedList(new ArrayList<>()));
                    synchronized (numbers) {
                        if (!numbers.contains(Integer.parseInt(text(message)))) numbers.add(Integer.parseInt(text(message)));
                    }
                }
                return ConsumeOrderlyStatus.SUCCESS;
            });
            consumer.start();
            consumers.add(consumer);
        }
        Drive.need(Drive.eventually(() -> count(seen) == 40), "all came: " + count(seen));
        Drive.need(refused.size() == 4, "some were refused at first: " + new TreeSet<>(refused));
        // Two queues each from now on.
        int[] sent = {40};
        Drive.need(Drive.eventually(() -> {
            for (int i = 0; i < 4; i++) send(producer, topic, queues, sent[0]++);
            return members.size() == 2;
        }), "both had a share: " + members);
        Drive.need(Drive.eventually(() -> count(seen) >= sent[0]), "all came: " + count(seen) + " of " + sent[0]);
        for (Map.Entry<String, List<Integer>> queue : seen.entrySet()) {
            List<Integer> sorted = new ArrayList<>(queue.getValue());
            Collections.sort(sorted);
            Drive.need(sorted.equals(queue.getValue()), "in order: " + queue);
        }
        for (DefaultMQPushConsumer consumer : consumers) consumer.shutdown();
        producer.shutdown();
    }

    /** What a handler gives back comes again, counted, until the group has had enough: then it is a dead letter. */
    static void retry(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        for (String body : List.of("fails twice", "fails always")) producer.send(new Message(topic, "again", "key", utf8(body)));
        Map<String, List<Integer>> tries = new ConcurrentHashMap<>();
        Set<String> ids = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = consumer(nameServer, topic, "retry");
        consumer.setMaxReconsumeTimes(2);
        consumer.subscribe(topic, "again");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            // One second; by itself the first would be ten.
            context.setDelayLevelWhenNextConsume(1);
            MessageExt message = messages.get(0);
            ids.add(message.getMsgId());
            tries.computeIfAbsent(text(message), body -> Collections.synchronizedList(new ArrayList<>())).add(message.getReconsumeTimes());
            boolean done = text(message).equals("fails twice") && message.getReconsumeTimes() == 2 && message.getTopic().equals(topic);
            return done ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        List<Integer> three = List.of(0, 1, 2);
        Drive.need(Drive.eventually(() -> three.equals(tries.get("fails twice")) && three.equals(tries.get("fails always"))), "tried three times: " + tries);
        Drive.need(ids.size() == 2, "under its own id: " + ids);
        String deadLetters = "%DLQ%group_" + topic;
        Drive.need(Drive.eventually(() -> exists(producer, deadLetters)), "there are dead letters");
        long given = stored(producer, deadLetters);
        Drive.need(given == 1, "one of them: " + given);
        consumer.shutdown();
        producer.shutdown();
    }

    /** Each member gets every message that comes while it is there, and remembers at home where it was. */
    static void broadcast(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        producer.send(new Message(topic, "before", utf8("creates the topic")));
        Map<String, Set<String>> seen = new ConcurrentHashMap<>();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        for (String member : List.of("one", "two")) {
            DefaultMQPushConsumer consumer = consumer(nameServer, topic, member);
            consumer.setMessageModel(MessageModel.BROADCASTING);
            consumer.subscribe(topic, "before || all");
            Set<String> own = ConcurrentHashMap.newKeySet();
            seen.put(member, own);
            concurrently(consumer, message -> {
                own.add(text(message));
                return true;
            });
            consumer.start();
            consumers.add(consumer);
        }
        Drive.need(Drive.eventually(() -> seen.values().stream().allMatch(own -> own.size() == 1)), "each reads from the beginning: " + seen);
        for (int i = 0; i < 8; i++) producer.send(new Message(topic, "all", utf8("" + i)));
        Drive.need(Drive.eventually(() -> seen.values().stream().allMatch(own -> own.size() == 9)), "each gets all: " + seen);
        for (DefaultMQPushConsumer consumer : consumers) Clients.stop(nameServer, consumer);
        producer.send(new Message(topic, "all", utf8("later")));
        Set<String> own = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer again = consumer(nameServer, topic, "one");
        again.setMessageModel(MessageModel.BROADCASTING);
        again.subscribe(topic, "before || all");
        concurrently(again, message -> {
            own.add(text(message));
            return true;
        });
        again.start();
        Drive.need(Drive.eventually(() -> own.contains("later")) && own.size() == 1, "one that comes back goes on where it was: " + own);
        again.shutdown();
        producer.shutdown();
    }

    private interface Handler {
        boolean handle(MessageExt message);
    }

    private static void concurrently(DefaultMQPushConsumer consumer, Handler handler) {
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            boolean done = true;
            for (MessageExt message : messages) done &= handler.handle(message);
            return done ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
    }

    private static DefaultMQPushConsumer consumer(String nameServer, String topic, String instance) {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("group_" + topic));
        consumer.setInstanceName(instance);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    private static void send(DefaultMQProducer producer, String topic, List<MessageQueue> queues, int number) {
        int queue = number % queues.size();
        try {
            producer.send(new Message(topic, "ordered", "queue-" + queue, utf8("" + number)), queues.get(queue));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static int count(Map<String, List<Integer>> seen) {
        return seen.values().stream().mapToInt(List::size).sum();
    }

    private static boolean exists(DefaultMQProducer producer, String topic) {
        try {
            return stored(producer, topic) > 0;
        } catch (Exception notYet) {
            return false;
        }
    }

    @SuppressWarnings("deprecation")
    private static long stored(DefaultMQProducer producer, String topic) throws Exception {
        String broker = producer.fetchPublishMessageQueues("TBW102").get(0).getBrokerName();
        return producer.maxOffset(new MessageQueue(topic, broker, 0));
    }

    private static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private GroupScenarios() { }
}
