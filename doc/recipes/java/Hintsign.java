import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.HashMap;
import java.util.Map;

/** Tokens from hintsign-agent, for Java 17 and later with Jackson. */
public final class Hintsign {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Hintsign() {
    }

    /** A token of the profile; {@code parameters} may have audience, claims and reference. */
    public static String mint(String profile, Map<String, ?> parameters) throws IOException {
        Map<String, Object> all = new HashMap<>(parameters);
        all.put("profile", profile);
        Map<String, ?> call = Map.of("method", "io.hintsign.Agent.Mint", "parameters", all);
        String path = System.getenv().getOrDefault("HINTSIGN_SOCKET", "/run/hintsign/agent.sock");
        byte[] answer;
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            byte[] text = JSON.writeValueAsBytes(call);
            ByteBuffer message = ByteBuffer.allocate(text.length + 1).put(text).put((byte) 0).flip();
            while (message.hasRemaining()) {
                agent.write(message);
            }
            agent.shutdownOutput();
            answer = Channels.newInputStream(agent).readAllBytes();
        }
        if (answer.length == 0 || answer[answer.length - 1] != 0) {
            throw new IOException("hintsign-agent has hung up");
        }
        JsonNode reply = JSON.readTree(answer, 0, answer.length - 1);
        if (reply.has("error")) {
            throw new IOException(reply.path("error").asText() + ": " + reply.path("parameters"));
        }
        return reply.path("parameters").path("token").asText();
    }
}
