import java.util.Map;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.common.protocol.header.UpdateConsumerOffsetRequestHeader;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/** Clients that work on a machine that is busy, and consumers that stop so that the next one begins where they were. */
final class Clients {
    private static final int REQUEST_TIMEOUT_MS = 15_000;
    private static final int AGAIN_MS = 1_000;

    /** By itself a client gives a request up after 3 s, and asks for what it did not get again after 30 s. */
    static <C extends ClientConfig> C at(String nameServer, C client) {
        client.setNamesrvAddr(nameServer);
        client.setMqClientApiTimeout(REQUEST_TIMEOUT_MS);
        client.setPollNameServerInterval(AGAIN_MS);
        client.setHeartbeatBrokerInterval(AGAIN_MS);
        return client;
    }

    static DefaultMQProducer producer(String nameServer, String group) throws Exception {
        return producer(nameServer, group, null);
    }

    /** {@code namespace} may be null. */
    static DefaultMQProducer producer(String nameServer, String group, String namespace) throws Exception {
        DefaultMQProducer producer = at(nameServer, new DefaultMQProducer(group));
        producer.setNamespace(namespace);
        producer.setSendMsgTimeout(REQUEST_TIMEOUT_MS);
        producer.start();
        return producer;
    }

    /** Before its start: that it waits for its listener when it stops. By itself it forgets what that is busy with. */
    static DefaultMQPushConsumer finishing(DefaultMQPushConsumer consumer) {
        consumer.setAwaitTerminationMillisWhenShutdown(Drive.PATIENCE_S * 1_000L);
        return consumer;
    }

    /** Stops a consumer, and returns when whoever reads its group next begins behind it. */
    @SuppressWarnings("deprecation")
    static void stop(String nameServer, DefaultMQPushConsumer consumer) throws Exception {
        finishing(consumer).shutdown();
        if (consumer.getMessageModel() == MessageModel.CLUSTERING)
            leaveOffsets(nameServer, consumer.getConsumerGroup(), consumer.getOffsetStore().cloneOffsetTable(null));
    }

    /**
     * Sees to it that brokers have the offsets that a member of a group has left with, or later ones. Java tells them one-way and
     * side by side, and with its pulls as well: what a broker works on last stays, and of several that are the first of a group
     * Apache's keeps but one (ConsumerOffsetManager.commitOffset).
     */
    @SuppressWarnings("deprecation")
    static void leaveOffsets(String nameServer, String group, Map<MessageQueue, Long> offsets) throws Exception {
        DefaultMQProducer teller = producer(nameServer, "interop_java_tells_offsets");
        MQClientInstance client = teller.getDefaultMQProducerImpl().getMqClientFactory();
        for (Map.Entry<MessageQueue, Long> entry : offsets.entrySet()) {
            client.updateTopicRouteInfoFromNameServer(entry.getKey().getTopic());
            boolean stored = Drive.eventually(() -> hasStayed(client, group, entry.getKey(), entry.getValue()));
            Drive.need(stored, "the broker has offset " + entry);
        }
        teller.shutdown();
    }

    /** Whether the broker has the offset, and keeps it for a while; otherwise it is told of it. */
    private static boolean hasStayed(MQClientInstance client, String group, MessageQueue queue, long offset) throws Exception {
        String address = client.findBrokerAddressInPublish(queue.getBrokerName());
        for (int look = 0; look < 3; look++, Thread.sleep(100)) {
            if (storedOffset(client.getMQClientAPIImpl(), address, group, queue) >= offset) continue;
            UpdateConsumerOffsetRequestHeader header = new UpdateConsumerOffsetRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(queue.getTopic());
            header.setQueueId(queue.getQueueId());
            header.setCommitOffset(offset);
            client.getMQClientAPIImpl().updateConsumerOffset(address, header, REQUEST_TIMEOUT_MS);
            return false;
        }
        return true;
    }

    /** -1 where the broker has none. */
    private static long storedOffset(MQClientAPIImpl api, String address, String group, MessageQueue queue) throws Exception {
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(queue.getTopic());
        header.setQueueId(queue.getQueueId());
        try {
            return api.queryConsumerOffset(address, header, REQUEST_TIMEOUT_MS);
        } catch (MQBrokerException none) {
            return -1;
        }
    }

    private Clients() { }
}
