<?php
// Tokens from hintsign-agent, for PHP 8.
declare(strict_types=1);

const HINTSIGN_TIMEOUT = 10; // seconds

/** What the agent says no with; `$parameters` has `message`, often `retry_after_ms`. */
class HintsignRefused extends RuntimeException
{
    public function __construct(public string $error, public array $parameters)
    {
        parent::__construct("$error: " . ($parameters['message'] ?? ''));
    }
}

/** A token of the profile; `$parameters` may have audience, claims and reference. */
function hintsign_mint(string $profile, array $parameters = []): string
{
    $path = getenv('HINTSIGN_SOCKET') ?: '/run/hintsign/agent.sock';
    $agent = @stream_socket_client("unix://$path", $code, $message, HINTSIGN_TIMEOUT)
        ?: throw new RuntimeException("hintsign-agent: $message");
    stream_set_timeout($agent, HINTSIGN_TIMEOUT);
    $call = ['method' => 'io.hintsign.Agent.Mint', 'parameters' => ['profile' => $profile] + $parameters];
    fwrite($agent, json_encode($call, JSON_THROW_ON_ERROR) . "\0");
    stream_socket_shutdown($agent, STREAM_SHUT_WR);
    $text = stream_get_contents($agent);
    if (!str_ends_with($text, "\0")) {
        throw new RuntimeException('hintsign-agent does not answer');
    }
    $reply = json_decode(rtrim($text, "\0"), true, 16, JSON_THROW_ON_ERROR);
    if (isset($reply['error'])) {
        throw new HintsignRefused($reply['error'], $reply['parameters'] ?? []);
    }
    return $reply['parameters']['token'];
}

/** The parameters that authenticate a client; to be made anew for every request. */
function hintsign_client_auth(string $profile, string $audience): array
{
    return [
        'client_assertion_type' => 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        'client_assertion' => hintsign_mint($profile, ['audience' => $audience]),
    ];
}
