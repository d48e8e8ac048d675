import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Apache's allocation strategies at work. Each line of standard input is `STRATEGY QUEUES CLIENTS`, queues as
 * `broker:id,…`, clients as `id,…`, both sorted. Each is answered by a line with every client's queues, clients parted by
 * blanks.
 */
public final class Shares {
    public static void main(String[] args) throws Exception {
        AllocateMachineRoomNearby.MachineRoomResolver rooms = new AllocateMachineRoomNearby.MachineRoomResolver() {
            @Override
            public String brokerDeployIn(MessageQueue queue) {
                return queue.getBrokerName().split("@")[0];
            }

            @Override
            public String consumerDeployIn(String clientId) {
                return clientId.split("@")[0];
            }
        };
        AllocateMessageQueueByMachineRoom byRoom = new AllocateMessageQueueByMachineRoom();
        byRoom.setConsumeridcs(Set.of("east", "west"));
        Map<String, AllocateMessageQueueStrategy> strategies = new TreeMap<>();
        for (AllocateMessageQueueStrategy strategy : List.of(
            new AllocateMessageQueueAveragely(), new AllocateMessageQueueAveragelyByCircle(),
            new AllocateMessageQueueConsistentHash(), byRoom,
            new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), rooms),
            new AllocateMachineRoomNearby(new AllocateMessageQueueAveragelyByCircle(), rooms))) {
            strategies.put(strategy.getName(), strategy);
        }
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            List<MessageQueue> queues = new ArrayList<>();
            for (String queue : words[1].split(",")) {
                int colon = queue.lastIndexOf(':');
                queues.add(new MessageQueue("T", queue.substring(0, colon), Integer.parseInt(queue.substring(colon + 1))));
            }
            List<String> clients = Arrays.asList(words[2].split(","));
            AllocateMessageQueueStrategy strategy = strategies.get(words[0]);
            System.out.println(clients.stream()
                .map(client -> strategy.allocate("g", client, queues, clients).stream()
                    .map(queue -> queue.getBrokerName() + ":" + queue.getQueueId())
                    .collect(Collectors.joining(",")))
                .collect(Collectors.joining(" ")));
        }
    }

    private Shares() { }
}
