import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.springframework.core.convert.converter.Converter;
import org.springframework.security.oauth2.client.endpoint.AbstractOAuth2AuthorizationGrantRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;

/**
 * Client authentication for Spring Security 6.4 and later: each request has a client assertion of
 * its own. A bean of the application puts it into each of Spring's token response clients:
 *
 * <pre>
 * var client = new RestClientAuthorizationCodeTokenResponseClient();
 * client.addParametersConverter(new HintsignClientAssertion&lt;&gt;("shop.login", "https://op.example"));
 * </pre>
 *
 * The registration has {@code client-authentication-method: client_secret_jwt} or
 * {@code private_key_jwt}, and no secret.
 */
public final class HintsignClientAssertion<T extends AbstractOAuth2AuthorizationGrantRequest>
        implements Converter<T, MultiValueMap<String, String>> {
    private static final String TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private final String profile;
    private final String audience;

    public HintsignClientAssertion(String profile, String audience) {
        this.profile = profile;
        this.audience = audience;
    }

    @Override
    public MultiValueMap<String, String> convert(T request) {
        MultiValueMap<String, String> parameters = new LinkedMultiValueMap<>();
        parameters.set(OAuth2ParameterNames.CLIENT_ASSERTION_TYPE, TYPE);
        try {
            parameters.set(OAuth2ParameterNames.CLIENT_ASSERTION,
                    Hintsign.mint(profile, Map.of("audience", audience)));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return parameters;
    }
}
