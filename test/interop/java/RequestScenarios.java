import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests and replies with Apache's Java client at one end or at both. All of it holds on Apache's own brokers. */
final class RequestScenarios {
    private static final long TIMEOUT_MS = Drive.PATIENCE_S * 1_000L;

    /** Java asks Java: waiting, with a callback, and with nobody who replies. */
    static void request(String nameServer, String topic) throws Exception {
        DefaultMQProducer replier = replier(nameServer);
        replier.send(new Message(topic, "plain", utf8("makes the topic")));
        // It tells brokers of itself when it first asks about a topic whose route it does not know; had it sent to that topic
        // before, the reply would come while no broker knows it yet, on Apache's too.
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_java_asks");
        DefaultMQPushConsumer consumer = answering(nameServer, topic, "java_answers_" + topic, replier, new CountDownLatch(0));
        Message reply = producer.request(new Message(topic, "question", utf8("ping")), TIMEOUT_MS);
        Drive.need("re: ping".equals(text(reply)), "a waiting request gets its reply: " + text(reply));
        Drive.need(reply.getProperty("CORRELATION_ID") != null && reply.getProperty("PUSH_REPLY_TIME") != null,
            "the reply says what it belongs to, and when it was pushed: " + reply.getProperties());
        CompletableFuture<Message> later = ask(producer, topic, "later");
        Drive.need("re: later".equals(text(later.get(TIMEOUT_MS, TimeUnit.MILLISECONDS))), "a callback gets its reply");
        Drive.need(Drive.eventually(() -> timesOut(producer, topic)), "a request without a reply times out");
        consumer.shutdown();
        replier.shutdown();
        producer.shutdown();
    }

    /** Java says otherwise when the broker's answer alone took too long. */
    private static boolean timesOut(DefaultMQProducer producer, String topic) throws Exception {
        try {
            producer.request(new Message(topic, "plain", utf8("nobody replies")), 500);
            return false;
        } catch (RequestTimeoutException expected) {
            return true;
        } catch (MQClientException sentTooLate) {
            return false;
        }
    }

    /** Replies to COUNT requests of one topic, and asks COUNT times, all at once, on another where somebody else replies. */
    static void exchange(String nameServer, String answersOn, String asksOn, int count) throws Exception {
        DefaultMQProducer replier = replier(nameServer);
        CountDownLatch open = new CountDownLatch(count);
        DefaultMQPushConsumer consumer = answering(nameServer, answersOn, "java_answers_" + answersOn, replier, open);
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_java_asks");
        List<CompletableFuture<Message>> replies = new ArrayList<>();
        // The last body is one that both sides compress.
        for (int i = 0; i < count; i++) replies.add(ask(producer, asksOn, i < count - 1 ? "java " + i : "x".repeat(20_000)));
        for (int i = 0; i < count; i++) {
            String expected = "re: " + (i < count - 1 ? "java " + i : "x".repeat(20_000));
            String text = text(replies.get(i).get(TIMEOUT_MS, TimeUnit.MILLISECONDS));
            Drive.need(expected.equals(text), "reply " + i + ": " + text.substring(0, Math.min(40, text.length())));
        }
        Drive.need(open.await(TIMEOUT_MS, TimeUnit.MILLISECONDS), "replied to " + (count - open.getCount()) + " of " + count);
        consumer.shutdown();
        replier.shutdown();
        producer.shutdown();
    }

    /** Replies to everything that is a request. */
    private static DefaultMQPushConsumer answering(
        String nameServer, String topic, String group, DefaultMQProducer replier, CountDownLatch open) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer(group));
        consumer.setInstanceName("replier");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (message.getProperty("CORRELATION_ID") == null || "plain".equals(message.getTags())) continue;
                try {
                    replier.send(MessageUtil.createReplyMessage(message, utf8("re: " + text(message))));
                    open.countDown();
                } catch (Exception error) {
                    error.printStackTrace();
                    Drive.need(false, "a reply is taken: " + error);
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private static DefaultMQProducer replier(String nameServer) throws Exception {
        DefaultMQProducer replier = Clients.at(nameServer, new DefaultMQProducer("interop_java_replies"));
        replier.setInstanceName("replier");
        replier.setSendMsgTimeout(15_000);
        replier.start();
        return replier;
    }

    private static CompletableFuture<Message> ask(DefaultMQProducer producer, String topic, String body) throws Exception {
        CompletableFuture<Message> reply = new CompletableFuture<>();
        producer.request(new Message(topic, "question", utf8(body)), new RequestCallback() {
            @Override
            public void onSuccess(Message message) {
                // 4.9 calls back without a reply too, as soon as the request is sent.
                if (message != null) reply.complete(message);
            }

            @Override
            public void onException(Throwable error) {
                reply.completeExceptionally(error);
            }
        }, TIMEOUT_MS);
        return reply;
    }

    private static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private RequestScenarios() { }
}
