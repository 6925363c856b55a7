import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Has a user authenticated by OpenID CIBA, and prints his ID token.
 * Usage: java Ciba ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER
 */
public final class Ciba {
    private static final HttpClient WEB = HttpClient.newHttpClient();

    private Ciba() {
    }

    private static JsonNode send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpRequest whole = request.timeout(Duration.ofSeconds(30)).build();
        return new ObjectMapper().readTree(WEB.send(whole, HttpResponse.BodyHandlers.ofString()).body());
    }

    private static JsonNode post(String url, Map<String, String> form) throws IOException, InterruptedException {
        String body = form.entrySet().stream()
                .map(part -> part.getKey() + "=" + URLEncoder.encode(part.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return send(HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    /** The parameters that authenticate a client; made anew for every request. */
    private static Map<String, String> authenticated(String client, String login, String issuer,
            Map<String, String> form) throws IOException {
        Map<String, String> all = new HashMap<>(form);
        all.put("client_id", client);
        all.put("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        all.put("client_assertion", Hintsign.mint(login, Map.of("audience", issuer)));
        return all;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        String issuer = args[0], client = args[1], login = args[2], hint = args[3], user = args[4];

        JsonNode provider = send(HttpRequest.newBuilder(
                URI.create(issuer + "/.well-known/openid-configuration")));
        JsonNode request = post(provider.path("backchannel_authentication_endpoint").asText(),
                authenticated(client, login, issuer, Map.of("scope", "openid", "login_hint_token",
                        Hintsign.mint(hint, Map.of("audience", issuer, "claims", Map.of("sub", user))))));
        JsonNode tokens = request;
        long interval = request.path("interval").asLong(5);
        while (request.has("auth_req_id") && !tokens.has("id_token")) {
            Thread.sleep(interval * 1000);
            tokens = post(provider.path("token_endpoint").asText(),
                    authenticated(client, login, issuer, Map.of(
                            "grant_type", "urn:openid:params:grant-type:ciba",
                            "auth_req_id", request.path("auth_req_id").asText())));
            String error = tokens.path("error").asText("authorization_pending");
            if (error.equals("slow_down")) {
                interval += 5;
            } else if (!error.equals("authorization_pending")) {
                break;
            }
        }
        if (!tokens.has("id_token")) {
            throw new IOException(tokens.toString());
        }
        // Whoever uses the ID token verifies it first (OpenID Connect Core section 3.1.3.7).
        System.out.println(tokens.path("id_token").asText());
    }
}
