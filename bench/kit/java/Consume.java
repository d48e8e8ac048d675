import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/**
 * Java's push consumer for the benches, as it is by default. One JVM for all rounds, so that it is warm; a round is a line of
 * standard input, its figure a line of standard output:
 *
 *   drain <group> <topic> <messages>             messages a second from the first to the last
 *   latency <group> <topic> <a second> <millis>  p50 and p99 in milliseconds, from a send to its handler
 */
public class Consume {
    private static String nameServer;

    public static void main(String[] args) throws Exception {
        nameServer = args[0];
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("drain")) drain(words[1], words[2], Integer.parseInt(words[3]));
            else latency(words[1], words[2], Integer.parseInt(words[3]), Integer.parseInt(words[4]));
        }
        System.exit(0);
    }

    private static DefaultMQPushConsumer consumer(String group, String topic, ConsumeFromWhere from) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(group);
        consumer.setConsumeFromWhere(from);
        consumer.subscribe(topic, "*");
        return consumer;
    }

    private static void drain(String group, String topic, int messages) throws Exception {
        AtomicInteger handled = new AtomicInteger();
        AtomicLong firstAt = new AtomicLong();
        AtomicLong lastAt = new AtomicLong();
        CountDownLatch done = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = consumer(group, topic, ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.registerMessageListener((MessageListenerConcurrently) (batch, context) -> {
            int count = handled.addAndGet(batch.size());
            if (count == batch.size()) firstAt.set(System.nanoTime());
            if (count >= messages) {
                lastAt.set(System.nanoTime());
                done.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        if (!done.await(120, TimeUnit.SECONDS)) throw new IllegalStateException(handled.get() + " of " + messages);
        System.out.println(messages * 1e9 / (lastAt.get() - firstAt.get()));
        consumer.shutdown();
    }

    private static void latency(String group, String topic, int rate, int millis) throws Exception {
        int total = rate * millis / 1000;
        double[] latenciesMs = new double[total];
        AtomicInteger handled = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = consumer(group, topic, ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.registerMessageListener((MessageListenerConcurrently) (batch, context) -> {
            long now = System.nanoTime();
            for (var message : batch) {
                long sentAt = ByteBuffer.wrap(message.getBody()).getLong();
                if (sentAt == 0) continue;
                int index = handled.getAndIncrement();
                if (index < total) latenciesMs[index] = (now - sentAt) / 1e6;
                if (index == total - 1) done.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        DefaultMQProducer producer = new DefaultMQProducer(group + "_producer");
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(group + "_producer");
        producer.start();
        // The topic has to be there, and each queue to have a reader that waits.
        for (int index = 0; index < 8; index++) producer.send(new Message(topic, new byte[1024]));
        consumer.start();
        Thread.sleep(2_000);
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {}

            @Override
            public void onException(Throwable problem) {
                problem.printStackTrace();
                System.exit(1);
            }
        };
        long startedAt = System.nanoTime();
        for (int index = 0; index < total; index++) {
            long dueAt = startedAt + (long) index * 1_000_000_000L / rate;
            for (long now = System.nanoTime(); now < dueAt; now = System.nanoTime()) LockSupport.parkNanos(dueAt - now);
            byte[] body = new byte[1024];
            // As bench/latency.mjs counts: a process that stands still must not hide what its messages wait for.
            ByteBuffer.wrap(body).putLong(Math.min(System.nanoTime(), dueAt + 1_000_000));
            producer.send(new Message(topic, body), callback);
        }
        if (!done.await(60, TimeUnit.SECONDS)) throw new IllegalStateException(handled.get() + " of " + total);
        Arrays.sort(latenciesMs);
        System.out.println(latenciesMs[(int) ((total - 1) * 0.5)] + " " + latenciesMs[(int) ((total - 1) * 0.99)]);
        consumer.shutdown();
        producer.shutdown();
    }
}
