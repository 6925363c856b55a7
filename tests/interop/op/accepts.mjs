// Every kind of token, each in an authentication request that ends with an ID token for the user.
// Usage: node accepts.mjs ORIGIN
import { authenticate, idToken, is, mint, ok, poll } from './client.mjs';

const origin = process.argv[2];
const bobsAddress = 'sub_id:={"format":"email","email":"bob@example.com"}';

// The provider, the client, the kind and the profile of the hint, whom it names, the user's sub.
const requests = [
    ['rsa', 'shop', 'pingone', 'shop.pingone', ['--subject', 'bob'], 'bob'],
    ['p256', 'shop', 'pingone', 'shop.pingone', ['--subject', 'zoë'], 'zoë'],
    ['rsa', 'bank', 'pingone', 'bank.pingone', ['--subject', 'bob'], 'bob'],
    ['rsa', 'shop', 'authway', 'shop.authway', ['--subject', 'bob'], 'bob'],
    ['x25519', 'bank', 'authway', 'bank.authway', ['--claim', 'email=zoe@example.com'], 'zoë'],
    ['rsa', 'portal', 'modrna', 'modrna', ['--claim', 'MSISDN=+4915112345678'], 'bob'],
    ['p256', 'wallet', 'modrna', 'modrna', ['--claim', 'MSISDN=+4915187654321'], 'zoë'],
    ['x25519', 'kiosk', 'modrna', 'modrna', ['--claim', 'MSISDN=+4915112345678'], 'bob'],
    ['rsa', 'shop', 'modrna', 'modrna', ['--claim', 'MSISDN=+4915187654321'], 'zoë'],
    ['rsa', 'portal', 'ciba', 'portal.ciba', ['--claim', bobsAddress], 'bob'],
    ['p256', 'wallet', 'ciba', 'wallet.ciba', ['--subject', 'zoë'], 'zoë'],
    ['x25519', 'kiosk', 'ciba', 'kiosk.sealed', ['--subject', 'bob'], 'bob'],
];

for (const [provider, client, kind, profile, user, sub] of requests) {
    const issuer = `${origin}/${provider}`;
    const login = `${client}.login`;
    const hint = await mint(profile, '--audience', issuer, ...user);
    const request = await authenticate(issuer, login, kind, hint);
    ok(request.auth_req_id, `${profile} of ${client}, to ${provider}: accepted`, request);
    if (!request.auth_req_id) continue;
    const replies = await poll(issuer, login, request.auth_req_id);
    is(replies[0].error, 'authorization_pending', '... at first the user has to agree');
    ok(replies.at(-1).id_token, '... then there is an ID token', replies.at(-1));
    if (!replies.at(-1).id_token) continue;
    is((await idToken(issuer, client, replies.at(-1).id_token)).sub, sub, '... for the right user');
}
