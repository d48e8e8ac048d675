import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Transactions of Apache's Java client. All of it holds on Apache's own brokers, which may deliver a message twice. */
final class TransactionScenarios {
    private static final Map<String, LocalTransactionState> STATES = Map.of(
        "commit", LocalTransactionState.COMMIT_MESSAGE,
        "rollback", LocalTransactionState.ROLLBACK_MESSAGE);

    /** A body is `what the branch does, what a check says`. */
    static void transaction(String nameServer, String topic) throws Exception {
        Set<String> checked = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = producer(nameServer, "java_" + topic, body -> branch(body.split(" ")[0]), body -> {
            checked.add(body);
            return branch(body.split(" ")[1]);
        });
        Drive.need(producer.send(new Message(topic, utf8("plain -"))).getSendStatus() == SendStatus.SEND_OK, "a plain send beside");
        for (String body : new String[] {"commit -", "rollback -", "unknown commit", "unknown rollback", "throws commit"}) {
            Message message = new Message(topic, "tag", "key-" + body.hashCode(), utf8(body));
            // Java takes it away from messages of transactions.
            message.setDelayTimeLevel(3);
            TransactionSendResult result = producer.sendMessageInTransaction(message, body);
            LocalTransactionState expected = STATES.getOrDefault(body.split(" ")[0], LocalTransactionState.UNKNOW);
            Drive.need(result.getSendStatus() == SendStatus.SEND_OK && result.getLocalTransactionState() == expected,
                body + ": " + result.getSendStatus() + " " + result.getLocalTransactionState());
        }
        Set<String> wanted = Set.of("plain -", "commit -", "unknown commit", "throws commit");
        Set<String> got = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = consumer(nameServer, topic, got);
        Drive.need(Drive.eventually(() -> got.containsAll(wanted)), "what was committed came: " + new TreeSet<>(got));
        Drive.need(Drive.eventually(() -> checked.size() == 3), "asked about: " + new TreeSet<>(checked));
        Drive.need(got.equals(wanted), "and nothing else");
        consumer.shutdown();
        producer.shutdown();
    }

    /**
     * Shares a group with somebody else: leaves COUNT transactions `java N` open, which another member has to be asked about,
     * and commits COUNT of that one, `ours N`. Then it leaves.
     */
    static void handover(String nameServer, String group, String topic, int count) throws Exception {
        Set<String> theirs = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = producer(nameServer, group, body -> LocalTransactionState.UNKNOW, body -> {
            if (!body.startsWith("ours")) return LocalTransactionState.UNKNOW;
            theirs.add(body);
            return LocalTransactionState.COMMIT_MESSAGE;
        });
        for (int i = 0; i < count; i++) producer.sendMessageInTransaction(new Message(topic, utf8("java " + i)), null);
        Drive.need(Drive.eventually(() -> theirs.size() >= count), "answered for the other member: " + new TreeSet<>(theirs));
        // An answer is oneway: it has left when the next request of the connection is answered.
        Drive.need(producer.send(new Message(topic, utf8("java leaves"))).getSendStatus() == SendStatus.SEND_OK, "says goodbye");
        producer.shutdown();
    }

    private static LocalTransactionState branch(String word) {
        if (word.equals("throws")) throw new IllegalStateException("as it is told");
        return STATES.getOrDefault(word, LocalTransactionState.UNKNOW);
    }

    private static TransactionMQProducer producer(
        String nameServer,
        String group,
        Function<String, LocalTransactionState> branch,
        Function<String, LocalTransactionState> check) throws Exception {
        TransactionMQProducer producer = Clients.at(nameServer, new TransactionMQProducer(group));
        producer.setSendMsgTimeout(15_000);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return branch.apply(text(message));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return check.apply(text(message));
            }
        });
        producer.start();
        return producer;
    }

    private static DefaultMQPushConsumer consumer(String nameServer, String topic, Set<String> got) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer("java_reads_" + topic));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) got.add(text(message));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private TransactionScenarios() { }
}
