import java.util.List;
import java.util.concurrent.Callable;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.exception.RemotingTimeoutException;

/**
 * Drives one scenario with Apache's Java client.
 *
 * <p>Usage: java Drive NAME-SERVER sync|async|oneway|large|batch|tags|waiting|share|pull|admin TOPIC
 * <br>java Drive NAME-SERVER request|transaction|trace|delay|sql|orderly|retry|broadcast TOPIC
 * <br>java Drive NAME-SERVER pop TOPIC COUNT
 * <br>java Drive NAME-SERVER handover GROUP TOPIC COUNT
 * <br>java Drive NAME-SERVER exchange ANSWERS-ON-TOPIC ASKS-ON-TOPIC COUNT
 * <br>java Drive NAME-SERVER consume TOPIC GROUP COUNT [NAMESPACE]
 * <br>java Drive NAME-SERVER handBack TOPIC GROUP COUNT
 * <br>java Drive NAME-SERVER orderlyMember TOPIC GROUP SECONDS
 * <br>java Drive NAME-SERVER broadcastMember TOPIC GROUP CLIENT-IP INSTANCE COUNT
 * <br>java Drive NAME-SERVER produce [NAMESPACE]
 *
 * <p>Every expectation is a line `ok …` or `FAIL …`. Exit code 0 when all held, 1 otherwise, 3 when it took too long.
 */
public final class Drive {
    /** How long anything that has to come may take: a watchdog, no expectation. */
    static final int PATIENCE_S = 90;
    private static final int TIMEOUT_S = 200;
    private static int failures = 0;

    public static void main(String[] args) throws Exception {
        exitWhenStuck();
        String nameServer = args[0];
        try {
            switch (args[1]) {
                case "sync" -> SendScenarios.sync(nameServer, args[2]);
                case "async" -> SendScenarios.async(nameServer, args[2]);
                case "oneway" -> SendScenarios.oneway(nameServer, args[2]);
                case "large" -> SendScenarios.large(nameServer, args[2]);
                case "batch" -> BatchScenarios.batch(nameServer, args[2]);
                case "tags" -> ConsumeScenarios.tags(nameServer, args[2]);
                case "waiting" -> ConsumeScenarios.waiting(nameServer, args[2]);
                case "share" -> ConsumeScenarios.share(nameServer, args[2]);
                case "trace" -> TraceScenarios.trace(nameServer, args[2]);
                case "admin" -> AdminScenarios.admin(nameServer, args[2]);
                case "pull" -> PullScenarios.pull(nameServer, args[2]);
                case "pop" -> PopScenarios.pop(nameServer, args[2], Integer.parseInt(args[3]));
                case "delay" -> DelayScenarios.delay(nameServer, args[2]);
                case "request" -> RequestScenarios.request(nameServer, args[2]);
                case "transaction" -> TransactionScenarios.transaction(nameServer, args[2]);
                case "sql" -> GroupScenarios.sql(nameServer, args[2]);
                case "orderly" -> GroupScenarios.orderly(nameServer, args[2]);
                case "retry" -> GroupScenarios.retry(nameServer, args[2]);
                case "broadcast" -> GroupScenarios.broadcast(nameServer, args[2]);
                case "orderlyMember" -> OrderlyMember.run(nameServer, args[2], args[3], Integer.parseInt(args[4]));
                case "broadcastMember" -> BroadcastMember.run(nameServer, args[2], args[3], args[4], args[5], Integer.parseInt(args[6]));
                case "handover" -> TransactionScenarios.handover(nameServer, args[2], args[3], Integer.parseInt(args[4]));
                case "exchange" -> RequestScenarios.exchange(nameServer, args[2], args[3], Integer.parseInt(args[4]));
                case "consume" -> Exchange.consume(nameServer, args[2], args[3], Integer.parseInt(args[4]), argument(args, 5));
                case "handBack" -> Exchange.handBack(nameServer, args[2], args[3], Integer.parseInt(args[4]));
                case "produce" -> Exchange.produce(nameServer, argument(args, 2));
                default -> throw new IllegalArgumentException(args[1]);
            }
        } catch (Throwable error) {
            error.printStackTrace();
            need(false, "no exception: " + error);
        }
        System.out.flush();
        System.exit(failures == 0 ? 0 : 1);
    }

    static synchronized void need(boolean held, String what) {
        System.out.println((held ? "ok " : "FAIL ") + what.replace('\n', ' '));
        if (!held) failures++;
    }

    /** The argument at that place, or null. */
    private static String argument(String[] args, int index) {
        return args.length > index ? args[index] : null;
    }

    /** Whether that comes true in time. An answer that came too late is none. */
    static boolean eventually(Callable<Boolean> held) throws Exception {
        for (long end = System.nanoTime() + PATIENCE_S * 1_000_000_000L; System.nanoTime() < end; Thread.sleep(20)) {
            try {
                if (held.call()) return true;
            } catch (RemotingTimeoutException late) {
                continue;
            }
        }
        return false;
    }

    /**
     * The queues of a topic that the first send has made. Apache's broker tells its name server in a one-way request: the
     * answer to the send may come before the route does.
     */
    static List<MessageQueue> queues(DefaultMQProducer producer, String topic) throws Exception {
        for (long end = System.nanoTime() + PATIENCE_S * 1_000_000_000L;; Thread.sleep(50)) {
            try {
                return producer.fetchPublishMessageQueues(topic);
            } catch (MQClientException unknown) {
                if (System.nanoTime() > end) throw unknown;
            }
        }
    }

    private static void exitWhenStuck() {
        Thread watchdog = new Thread(() -> {
            try {
                Thread.sleep(TIMEOUT_S * 1000L);
            } catch (InterruptedException e) {
                return;
            }
            System.out.println("FAIL not done within " + TIMEOUT_S + " s");
            Runtime.getRuntime().halt(3);
        }, "watchdog");
        watchdog.setDaemon(true);
        watchdog.start();
    }

    private Drive() { }
}
