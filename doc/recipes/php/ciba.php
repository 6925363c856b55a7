<?php
// Has a user authenticated by OpenID CIBA, and prints his ID token.
// Usage: php ciba.php ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER
declare(strict_types=1);
require __DIR__ . '/hintsign.php';

[, $issuer, $client, $login, $hint, $user] = $argv;

function read_json(string $url, array $options = []): array
{
    $context = stream_context_create(['http' => $options + ['timeout' => 30, 'ignore_errors' => true]]);
    $text = file_get_contents($url, false, $context);
    return json_decode($text ?: throw new RuntimeException($url), true, 16, JSON_THROW_ON_ERROR);
}

$post = fn (string $url, array $form): array => read_json($url, [
    'method' => 'POST',
    'header' => 'Content-Type: application/x-www-form-urlencoded',
    'content' => http_build_query(
        ['client_id' => $client] + hintsign_client_auth($login, $issuer) + $form),
]);

$provider = read_json("$issuer/.well-known/openid-configuration");
$reply = $request = $post($provider['backchannel_authentication_endpoint'], [
    'scope' => 'openid',
    'login_hint_token' => hintsign_mint($hint, ['audience' => $issuer, 'claims' => ['sub' => $user]]),
]);
$interval = $request['interval'] ?? 5;
while (isset($request['auth_req_id']) && !isset($reply['id_token'])) {
    sleep($interval);
    $reply = $post($provider['token_endpoint'], [
        'grant_type' => 'urn:openid:params:grant-type:ciba', 'auth_req_id' => $request['auth_req_id']]);
    $error = $reply['error'] ?? 'authorization_pending';
    if ($error === 'slow_down') {
        $interval += 5;
    } elseif ($error !== 'authorization_pending') {
        break;
    }
}
// Whoever uses the ID token verifies it first (OpenID Connect Core section 3.1.3.7).
echo $reply['id_token'] ?? throw new RuntimeException(json_encode($reply)), "\n";
