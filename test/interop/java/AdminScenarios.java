import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** MQAdmin of Apache's producer: topics, offsets, and messages by their ids and keys. */
final class AdminScenarios {
    @SuppressWarnings("deprecation")
    static void admin(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, "admin_scenario_" + topic);
        try {
            producer.createTopic("TBW102", topic, 3);
            List<MessageQueue> queues = Drive.queues(producer, topic);
            Drive.need(queues.size() == 3, "the topic was created with 3 queues: " + queues);
            long before = System.currentTimeMillis();
            SendResult first = producer.send(new Message(topic, "A", "one shared", utf("first")), queues.get(1));
            SendResult second = producer.send(new Message(topic, "A", "two shared", utf("second ".repeat(2_000))), queues.get(1));
            offsets(producer, queues, before);
            byId(producer, topic, first, second);
            byKey(producer, topic, before);
        } finally {
            producer.shutdown();
        }
    }

    private static void offsets(DefaultMQProducer producer, List<MessageQueue> queues, long before) throws Exception {
        MessageQueue queue = queues.get(1);
        eventually("a queue with two messages ends at 2", () -> producer.maxOffset(queue) == 2);
        Drive.need(producer.minOffset(queue) == 0, "it begins at 0");
        Drive.need(producer.searchOffset(queue, before - 3_600_000) == 0, "the offset an hour ago is the first");
        long later = producer.searchOffset(queue, System.currentTimeMillis() + 3_600_000);
        Drive.need(later == 1, "the offset in an hour is the last, " + later);
        long earliest = producer.earliestMsgStoreTime(queue);
        Drive.need(earliest >= before - 5_000 && earliest <= System.currentTimeMillis() + 5_000, "earliest " + earliest);
        Drive.need(producer.maxOffset(queues.get(0)) == 0, "a queue without messages ends at 0");
    }

    private static void byId(DefaultMQProducer producer, String topic, SendResult first, SendResult second)
        throws Exception {
        MessageExt viewed = producer.viewMessage(first.getOffsetMsgId());
        Drive.need(viewed.getKeys().equals("one shared") && viewed.getTopic().equals(topic), "viewMessage(offsetMsgId)");
        eventually("viewMessage(topic, msgId)", () ->
            new String(producer.viewMessage(topic, second.getMsgId()).getBody(), StandardCharsets.UTF_8).startsWith("second "));
        try {
            producer.viewMessage(first.getOffsetMsgId().substring(0, 24) + "7FFFFFFF");
            Drive.need(false, "a place without a message");
        } catch (Exception error) {
            Drive.need(true, "a place without a message: " + error.getMessage());
        }
    }

    private static void byKey(DefaultMQProducer producer, String topic, long before) throws Exception {
        long until = System.currentTimeMillis() + 3_600_000;
        eventually("queryMessage of a shared key", () ->
            producer.queryMessage(topic, "shared", 10, before - 5_000, until).getMessageList().size() == 2);
        QueryResult own = producer.queryMessage(topic, "two", 10, before - 5_000, until);
        Drive.need(own.getMessageList().size() == 1, "queryMessage of an own key");
        Drive.need(own.getIndexLastUpdateTimestamp() >= before - 5_000, "the index says how far it is");
        try {
            producer.queryMessage(topic, "two", 10, before - 7_200_000, before - 3_600_000);
            Drive.need(false, "a key before its time");
        } catch (MQClientException error) {
            Drive.need(error.getResponseCode() == 208, "a key before its time: " + error.getErrorMessage());
        }
    }

    /** Apache's broker makes queue entries and index a moment after it acknowledged a message. */
    private static void eventually(String what, Callable<Boolean> holds) throws Exception {
        boolean held = Drive.eventually(() -> {
            try {
                return holds.call();
            } catch (MQClientException notYet) {
                return false;
            }
        });
        Drive.need(held, what);
    }

    private static byte[] utf(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private AdminScenarios() { }
}
