import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Tokens from hintsign-agent, for Java 17 and later with Jackson. */
public final class Hintsign {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TIMEOUT_MS = 10_000;

    private Hintsign() {
    }

    /** What the agent says no with; {@code parameters} has message, often retry_after_ms. */
    public static final class Refused extends IOException {
        private static final long serialVersionUID = 1;
        public final String error;
        public final transient JsonNode parameters;

        Refused(String error, JsonNode parameters) {
            super(error + ": " + parameters.path("message").asText());
            this.error = error;
            this.parameters = parameters;
        }
    }

    /** A token of the profile; {@code parameters} may have audience, claims and reference. */
    public static String mint(String profile, Map<String, ?> parameters) throws IOException {
        Map<String, Object> all = new HashMap<>(parameters);
        all.put("profile", profile);
        byte[] text = JSON.writeValueAsBytes(Map.of("method", "io.hintsign.Agent.Mint", "parameters", all));
        JsonNode reply = JSON.readTree(exchange(Arrays.copyOf(text, text.length + 1)));
        if (reply.has("error")) {
            throw new Refused(reply.path("error").asText(), reply.path("parameters"));
        }
        return reply.path("parameters").path("token").asText();
    }

    /** Sends a message with its NUL, and reads until the one that ends the reply. */
    private static String exchange(byte[] message) throws IOException {
        String path = System.getenv().getOrDefault("HINTSIGN_SOCKET", "/run/hintsign/agent.sock");
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(path));
                Selector selector = Selector.open()) {
            for (ByteBuffer rest = ByteBuffer.wrap(message); rest.hasRemaining();) {
                agent.write(rest);
            }
            agent.configureBlocking(false).register(selector, SelectionKey.OP_READ);
            ByteArrayOutputStream reply = new ByteArrayOutputStream();
            ByteBuffer part = ByteBuffer.allocate(4096);
            for (int length = 0; length == 0 || part.get(length - 1) != 0;) {
                if (selector.select(TIMEOUT_MS) == 0) {
                    throw new SocketTimeoutException("hintsign-agent does not answer");
                }
                selector.selectedKeys().clear();
                length = agent.read(part.clear());
                if (length < 0) {
                    throw new EOFException("hintsign-agent has hung up");
                }
                reply.write(part.array(), 0, length);
            }
            return reply.toString(StandardCharsets.UTF_8).replace("\0", "");
        }
    }
}
