import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Runs the main method of a server and stops it, through its own shutdown hooks, when standard input ends: a server
 * started this way cannot outlive the process that holds the other end of the pipe.
 *
 * <p>Usage: java Supervised MAIN-CLASS [ARGUMENT]…
 */
public final class Supervised {
    public static void main(String[] args) throws Exception {
        Thread watch = new Thread(Supervised::exitAtEndOfInput, "end-of-input");
        watch.setDaemon(true);
        watch.start();
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
    }

    private static void exitAtEndOfInput() {
        try (InputStream in = System.in) {
            while (in.read() >= 0) { }
        } catch (IOException e) {
            System.err.println("standard input: " + e);
        }
        System.exit(0);
    }
}
