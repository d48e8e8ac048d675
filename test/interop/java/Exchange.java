import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Apache's producer and consumer as two plain ends of a comparison: lines in, lines out (see Fields). */
final class Exchange {
    /** Prints every message of a topic until COUNT different positions were seen; {@code namespace} may be null. */
    static void consume(String nameServer, String topic, String group, int count, String namespace) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer(group));
        consumer.setNamespace(namespace);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        CountDownLatch open = new CountDownLatch(count);
        Set<String> positions = ConcurrentHashMap.newKeySet();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (!positions.add(message.getBrokerName() + " " + message.getQueueId() + " " + message.getQueueOffset())) continue;
                String line = Fields.received(message);
                synchronized (Exchange.class) {
                    System.out.println(line);
                }
                open.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Drive.need(open.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "consumed " + (count - open.getCount()) + " of " + count);
        Clients.stop(nameServer, consumer);
    }

    /** Sends COUNT different messages of a topic back, to come again after a second, and stops. */
    static void handBack(String nameServer, String topic, String group, int count) throws Exception {
        DefaultMQPushConsumer consumer = Clients.at(nameServer, new DefaultMQPushConsumer(group));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        CountDownLatch open = new CountDownLatch(count);
        Set<String> ids = ConcurrentHashMap.newKeySet();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (ids.add(message.getMsgId())) open.countDown();
            }
            context.setDelayLevelWhenNextConsume(1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        Drive.need(open.await(Drive.PATIENCE_S, TimeUnit.SECONDS), "handed back " + (count - open.getCount()) + " of " + count);
        Clients.stop(nameServer, consumer);
    }

    /** Sends a message for every line of standard input and prints where it went; {@code namespace} may be null. */
    static void produce(String nameServer, String namespace) throws Exception {
        DefaultMQProducer producer = Clients.producer(nameServer, "interop_java_exchange", namespace);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (!line.isEmpty()) send(producer, Fields.outgoing(line));
        }
        producer.shutdown();
    }

    private static void send(DefaultMQProducer producer, Fields.Outgoing outgoing) throws Exception {
        if (outgoing.mode().equals("oneway")) {
            producer.sendOneway(outgoing.message());
            System.out.println("handed over");
            return;
        }
        SendResult result = outgoing.mode().equals("async") ? sendAsync(producer, outgoing) : sendSync(producer, outgoing);
        MessageQueue queue = result.getMessageQueue();
        System.out.println("sent status=" + result.getSendStatus() + " msgId=" + result.getMsgId()
            + " queueId=" + queue.getQueueId() + " queueOffset=" + result.getQueueOffset());
    }

    private static SendResult sendSync(DefaultMQProducer producer, Fields.Outgoing outgoing) throws Exception {
        if (outgoing.queueId() < 0) return producer.send(outgoing.message());
        return producer.send(
            outgoing.message(),
            (queues, message, id) -> queues.stream().filter(queue -> id.equals(queue.getQueueId())).findFirst().orElseThrow(),
            outgoing.queueId());
    }

    private static SendResult sendAsync(DefaultMQProducer producer, Fields.Outgoing outgoing) throws Exception {
        CompletableFuture<SendResult> settled = new CompletableFuture<>();
        producer.send(outgoing.message(), new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                settled.complete(result);
            }

            @Override
            public void onException(Throwable error) {
                settled.completeExceptionally(error);
            }
        });
        return settled.get(Drive.PATIENCE_S, TimeUnit.SECONDS);
    }

    private Exchange() { }
}
