import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A message as one line of text that loses nothing: fields `name=value` separated by blanks. Text and bytes are
 * hexadecimal (text as UTF-8); a property is `property=NAME:VALUE` and may occur any number of times. Its counterpart is
 * kit/message-lines.ts.
 */
final class Fields {
    private static final HexFormat HEX = HexFormat.of();

    static String hex(String text) {
        return HEX.formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    static String text(String hex) {
        return new String(HEX.parseHex(hex), StandardCharsets.UTF_8);
    }

    static String received(MessageExt message) {
        List<String> fields = new ArrayList<>();
        fields.add("topic=" + hex(message.getTopic()));
        fields.add("broker=" + hex(message.getBrokerName()));
        fields.add("queueId=" + message.getQueueId());
        fields.add("queueOffset=" + message.getQueueOffset());
        fields.add("msgId=" + message.getMsgId());
        fields.add("flag=" + message.getFlag());
        fields.add("sysFlag=" + message.getSysFlag());
        fields.add("storeSize=" + message.getStoreSize());
        fields.add("body=" + HEX.formatHex(message.getBody()));
        if (message.getKeys() != null) fields.add("keys=" + hex(message.getKeys()));
        if (message.getTags() != null) fields.add("tag=" + hex(message.getTags()));
        for (Map.Entry<String, String> property : new TreeMap<>(message.getProperties()).entrySet()) {
            fields.add("property=" + hex(property.getKey()) + ":" + hex(property.getValue()));
        }
        return "received " + String.join(" ", fields);
    }

    /** A line to send: `topic`, `body`, `keys`, `tag`, `flag`, `property`, and `mode` and `queueId`, which are kept apart. */
    static Outgoing outgoing(String line) {
        Message message = new Message();
        String mode = "sync";
        int queueId = -1;
        for (String field : line.split(" ")) {
            int equals = field.indexOf('=');
            String value = field.substring(equals + 1);
            switch (field.substring(0, equals)) {
                case "topic" -> message.setTopic(text(value));
                case "body" -> message.setBody(HEX.parseHex(value));
                case "keys" -> message.setKeys(text(value));
                case "tag" -> message.setTags(text(value));
                case "flag" -> message.setFlag(Integer.parseInt(value));
                case "property" -> {
                    int colon = value.indexOf(':');
                    message.putUserProperty(text(value.substring(0, colon)), text(value.substring(colon + 1)));
                }
                case "mode" -> mode = value;
                case "queueId" -> queueId = Integer.parseInt(value);
                default -> throw new IllegalArgumentException(field);
            }
        }
        return new Outgoing(message, mode, queueId);
    }

    /** {@code queueId} is -1 where the producer chooses. */
    record Outgoing(Message message, String mode, int queueId) { }

    private Fields() { }
}
