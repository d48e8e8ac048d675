import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** What a Java producer expects of a cluster when it sends several messages as one. All of it holds on Apache's own brokers. */
final class BatchScenarios {
    static void batch(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_java_batches");
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Message message = new Message(topic, i % 2 == 0 ? "even" : "odd", "batch-" + i + " all", utf8("Stapel 你好 🚀 " + i));
            message.putUserProperty("number", String.valueOf(i));
            message.setFlag(i);
            messages.add(message);
        }
        SendResult result = producer.send(messages);
        String[] ids = result.getMsgId().split(",");
        String[] offsetIds = result.getOffsetMsgId().split(",");
        Drive.need(result.getSendStatus() == SendStatus.SEND_OK, "stored: " + result.getSendStatus());
        Drive.need(ids.length == 100 && offsetIds.length == 100, "an id for each: " + ids.length + " and " + offsetIds.length);
        for (int i = 0; i < 100; i += 33) {
            MessageExt back = producer.viewMessage(offsetIds[i]);
            Message sent = messages.get(i);
            Drive.need(Arrays.equals(back.getBody(), sent.getBody()) && back.getTags().equals(sent.getTags())
                && back.getKeys().equals(sent.getKeys()) && back.getFlag() == i
                && String.valueOf(i).equals(back.getUserProperty("number")) && back.getMsgId().equals(ids[i])
                && back.isWaitStoreMsgOK() && back.getQueueOffset() == result.getQueueOffset() + i
                && back.getQueueId() == result.getMessageQueue().getQueueId(), "message " + i + " comes back: " + back);
        }
        SendResult next = producer.send(messages.subList(0, 1), result.getMessageQueue());
        Drive.need(next.getQueueOffset() == result.getQueueOffset() + 100, "a batch of one follows: " + next.getQueueOffset());
        Message unsure = new Message(topic, utf8("not waited for"));
        unsure.setWaitStoreMsgOK(false);
        SendResult third = producer.send(List.of(unsure), result.getMessageQueue());
        MessageExt back = producer.viewMessage(third.getOffsetMsgId());
        Drive.need(!back.isWaitStoreMsgOK() && third.getQueueOffset() == next.getQueueOffset() + 1, "nor does it wait: " + back);
        producer.shutdown();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private BatchScenarios() { }
}
