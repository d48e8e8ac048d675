import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.Compressor;
import org.apache.rocketmq.common.compression.CompressorFactory;

/**
 * Apache's compressors at work. Each line of standard input is `compress TYPE LEVEL HEX` or `decompress TYPE HEX`; each
 * is answered by a line with the result in hexadecimal, or `failed` and what was thrown.
 */
public final class Codecs {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ", -1);
            Compressor compressor = CompressorFactory.getCompressor(CompressionType.of(words[1]));
            try {
                byte[] result = words[0].equals("compress")
                    ? compressor.compress(HEX.parseHex(words[3]), Integer.parseInt(words[2]))
                    : compressor.decompress(HEX.parseHex(words[2]));
                System.out.println(HEX.formatHex(result));
            } catch (Exception thrown) {
                System.out.println("failed " + thrown);
            }
        }
    }

    private Codecs() { }
}
