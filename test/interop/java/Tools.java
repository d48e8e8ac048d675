import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Runs commands of Apache's mqadmin one after the other, which costs one start of Java for all of them.
 *
 * <p>Usage: java Tools NAME-SERVER
 * <br>Standard input: a command a line, its arguments separated by tabs. Each one's output follows a line of its number,
 * on both streams: `== 0`.
 */
public final class Tools {
    public static void main(String[] args) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        int number = 0;
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] command = line.split("\t");
            mark(number++);
            Stream<String> rest = Arrays.stream(command).skip(1);
            MQAdminStartup.main0(Stream.concat(Stream.of(command[0], "-n", args[0]), rest).toArray(String[]::new), null);
        }
        System.exit(0);
    }

    private static void mark(int number) {
        // Some do not end their line.
        System.out.println();
        System.out.println("== " + number);
        System.err.println("== " + number);
        System.out.flush();
    }
}
