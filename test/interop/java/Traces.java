import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.TreeSet;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceTransferBean;

/**
 * Apache's codec of traces at work. Each line of standard input is `LOCAL|CLOUD BODY`, the body of a trace message in
 * hexadecimal. Each is answered by `BODY KEYS`: the same, read and written anew, and the keys it goes under, in their
 * alphabetical order with a comma between them, in hexadecimal too.
 */
public final class Traces {
    public static void main(String[] args) throws Exception {
        HexFormat hex = HexFormat.of();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ");
            StringBuilder data = new StringBuilder();
            TreeSet<String> keys = new TreeSet<>();
            String body = new String(hex.parseHex(parts[1]), StandardCharsets.UTF_8);
            for (TraceContext context : TraceDataEncoder.decoderFromTraceDataString(body)) {
                context.setAccessChannel(AccessChannel.valueOf(parts[0]));
                TraceTransferBean bean = TraceDataEncoder.encoderFromContextBean(context);
                data.append(bean.getTransData());
                keys.addAll(bean.getTransKey());
            }
            System.out.println(utf8(hex, data.toString()) + " " + utf8(hex, String.join(",", keys)));
        }
    }

    private static String utf8(HexFormat hex, String text) {
        return hex.formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private Traces() { }
}
