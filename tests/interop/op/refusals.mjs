// Tokens that a provider must refuse, and with which error (OpenID CIBA Core section 13).
// Usage: node refusals.mjs ORIGIN
import { setTimeout as sleep } from 'node:timers/promises';
import { authenticate, is, mint, ok } from './client.mjs';

const origin = process.argv[2];
const issuer = `${origin}/rsa`;

// The kind, the client, the profile, who is known and who is not. Of each profile there is one
// "stale.", whose tokens are old when they are made or a moment later.
const hints = [
    ['pingone', 'shop', 'shop.pingone', ['--subject', 'bob'], ['--subject', 'carol']],
    ['authway', 'shop', 'shop.authway', ['--subject', 'bob'], ['--subject', 'carol']],
    ['modrna', 'portal', 'modrna', ['--claim', 'MSISDN=+4915112345678'], ['--claim', 'MSISDN=+15550100']],
    ['ciba', 'portal', 'portal.ciba', ['--subject', 'bob'], ['--subject', 'carol']],
    ['ciba', 'portal', 'portal.sealed', ['--subject', 'bob'], ['--subject', 'carol']],
];

const make = (name, user, audience = issuer) => mint(name, '--audience', audience, ...user);

const stale = [];
for (const [, , profile, known] of hints) stale.push(await make(`stale.${profile}`, known));
await sleep(1100); // the next second is the exp of those that have one

for (const [kind, client, profile, known, unknown] of hints) {
    const answer = (hint) => authenticate(issuer, `${client}.login`, kind, hint);
    const refusals = [
        [stale.shift(), 'expired_login_hint_token', 'not when it is old'],
        [await make(profile, unknown), 'unknown_user_id', 'not for a stranger'],
        [await make(profile, known, `${origin}/p256`), 'invalid_request', 'not for another provider'],
        [await make(profile, known, `${issuer}/`), 'invalid_request', 'not for one character more'],
    ];
    const good = await answer(await make(profile, known));
    ok(good.auth_req_id, `${profile}: accepted`, good);
    for (const [hint, error, name] of refusals) is((await answer(hint)).error, error, `... ${name}`);
}
