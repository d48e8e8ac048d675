import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What a Java producer expects of a cluster. All of it holds on Apache's own brokers. */
final class SendScenarios {
    private static final String GROUP = "interop_java_producer";

    /** Waiting sends over all queues, one to a chosen queue, read back by id, and what the client itself refuses. */
    static void sync(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        Set<Integer> queues = new HashSet<>();
        long next = 0;
        for (int i = 0; i < 8; i++) {
            Message message = new Message(topic, i % 2 == 0 ? "even" : "odd", "number-" + i + " all", utf8("grüße 你好 🚀 " + i));
            message.putUserProperty("number", String.valueOf(i));
            message.putUserProperty("colour", "bläulich");
            SendResult result = producer.send(message);
            queues.add(result.getMessageQueue().getQueueId());
            if (result.getMessageQueue().getQueueId() == 1) next = result.getQueueOffset() + 1;
            Drive.need(result.getSendStatus() == SendStatus.SEND_OK, "send " + i + ": " + result);
            Drive.need("DefaultRegion".equals(result.getRegionId()), "region of " + i + ": " + result.getRegionId());
            MessageExt back = producer.viewMessage(result.getOffsetMsgId());
            Drive.need(Arrays.equals(back.getBody(), message.getBody()) && "bläulich".equals(back.getUserProperty("colour"))
                && message.getKeys().equals(back.getKeys()) && message.getTags().equals(back.getTags())
                && back.getQueueOffset() == result.getQueueOffset(), "read back " + i + ": " + back);
        }
        Drive.need(queues.size() == 4, "all four queues in turn: " + queues);
        List<MessageQueue> all = Drive.queues(producer, topic);
        MessageQueue second = all.stream().filter(queue -> queue.getQueueId() == 1).findFirst().orElseThrow();
        SendResult direct = producer.send(new Message(topic, utf8("to queue 1")), second);
        Drive.need(direct.getMessageQueue().equals(second) && direct.getQueueOffset() == next, "to a chosen queue: " + direct);
        refused(producer, new Message("blank in topic", utf8("x")), "illegal topic");
        refused(producer, new Message(topic, new byte[0]), "empty body");
        refused(producer, new Message(topic, new byte[4 * 1024 * 1024 + 1]), "body over 4 MiB");
        producer.shutdown();
    }

    private static void refused(DefaultMQProducer producer, Message message, String what) {
        try {
            producer.send(message);
            Drive.need(false, what + " is refused");
        } catch (Exception expected) {
            Drive.need(true, what + " is refused: " + expected.getMessage());
        }
    }

    /** Many sends in flight on one connection. */
    static void async(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        int count = 200;
        // The first send creates the topic; the others must not race for that.
        producer.send(new Message(topic, utf8("first")));
        CountDownLatch open = new CountDownLatch(count);
        AtomicInteger stored = new AtomicInteger();
        Set<String> positions = ConcurrentHashMap.newKeySet();
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < count; i++) {
            producer.send(new Message(topic, "async", "key-" + i, utf8("async " + i)), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    if (result.getSendStatus() == SendStatus.SEND_OK) stored.incrementAndGet();
                    positions.add(result.getMessageQueue().getQueueId() + "/" + result.getQueueOffset());
                    open.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    errors.add(error);
                    open.countDown();
                }
            });
        }
        Drive.need(open.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "every callback is called, open " + open.getCount());
        Drive.need(stored.get() == count, "stored " + stored.get() + ", errors " + errors);
        Drive.need(positions.size() == count, "positions are distinct: " + positions.size());
        producer.shutdown();
    }

    /** Sends without an answer arrive. */
    static void oneway(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        producer.send(new Message(topic, utf8("first")));
        for (int i = 0; i < 10; i++) producer.sendOneway(new Message(topic, utf8("oneway " + i)));
        Drive.eventually(() -> stored(producer, topic) >= 11);
        Drive.need(stored(producer, topic) == 11, "stored " + stored(producer, topic) + " of 11");
        producer.shutdown();
    }

    @SuppressWarnings("deprecation")
    private static long stored(DefaultMQProducer producer, String topic) throws Exception {
        long total = 0;
        for (MessageQueue queue : Drive.queues(producer, topic)) total += producer.maxOffset(queue) - producer.minOffset(queue);
        return total;
    }

    /** A body that compresses well, and a large one that does not compress at all. */
    static void large(String nameServer, String topic) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, GROUP);
        byte[] body = new byte[300_000];
        for (int i = 0; i < body.length; i++) body[i] = (byte) ('a' + i / 50 % 26);
        SendResult result = producer.send(new Message(topic, body));
        MessageExt back = producer.viewMessage(result.getOffsetMsgId());
        Drive.need(Arrays.equals(back.getBody(), body), "300,000 bytes come back");
        Drive.need(back.getStoreSize() < 20_000, "they are stored compressed, in " + back.getStoreSize() + " bytes");
        byte[] noise = new byte[3 * 1024 * 1024];
        new Random(7).nextBytes(noise);
        SendResult second = producer.send(new Message(topic, noise));
        Drive.need(Arrays.equals(producer.viewMessage(second.getOffsetMsgId()).getBody(), noise), "3 MiB of noise come back");
        producer.shutdown();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private SendScenarios() { }
}
