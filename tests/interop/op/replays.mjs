// Every kind of token, shown to a provider as every other and as a client assertion.
// Usage: node replays.mjs ORIGIN
import { authenticate, discover, encode, is, mint, ok, post } from './client.mjs';

const issuer = `${process.argv[2]}/rsa`;
const other = `${process.argv[2]}/p256`;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

// Two clients; with each its tokens, as what the provider takes them. All name one user, and are
// for one audience. The discovery service's may come from any client.
const clients = ['shop', 'portal'];
const kinds = ['pingone', 'authway', 'modrna', 'ciba'];
const tokens = [
    { profile: 'shop.pingone', as: 'pingone', from: ['shop'], user: ['--subject', 'bob'] },
    { profile: 'shop.authway', as: 'authway', from: ['shop'], user: ['--subject', 'bob'] },
    { profile: 'shop.ciba', as: undefined, from: [], user: ['--subject', 'bob'] },
    { profile: 'shop.login', as: undefined, from: [], user: [] },
    { profile: 'portal.ciba', as: 'ciba', from: ['portal'], user: ['--subject', 'bob'] },
    { profile: 'portal.sealed', as: 'ciba', from: ['portal'], user: ['--subject', 'bob'] },
    { profile: 'portal.login', as: undefined, from: [], user: [] },
    { profile: 'modrna', as: 'modrna', from: clients, user: ['--claim', 'MSISDN=+4915112345678'] },
];

const { backchannel_authentication_endpoint: ask, token_endpoint: poll } = await discover(issuer);
const isRefused = ({ status, error }, errors) => status >= 400 && status < 500 && errors.includes(error);

// --- as a hint ---

for (const { profile, as, from, user } of tokens) {
    const token = await mint(profile, '--audience', issuer, ...user);
    for (const client of clients) {
        for (const kind of kinds) {
            const reply = await authenticate(issuer, `${client}.login`, kind, token);
            const name = `${profile} as ${kind} from ${client}`;
            if (kind === as && from.includes(client)) ok(reply.auth_req_id, `${name}: accepted`, reply);
            else ok(isRefused(reply, ['invalid_request', 'unknown_user_id']), `${name}: refused`, reply);
        }
    }
}

// --- as a client assertion ---

const hint = await mint('shop.pingone', '--audience', issuer, '--subject', 'bob');
const request = encode({ scope: 'openid', hint_kind: 'pingone', login_hint_token: hint });
const grant = encode({ grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: 'x' });

function assertion(token, members = {}) {
    return encode({ client_assertion_type: ASSERTION_TYPE, client_assertion: token, ...members });
}

const hints = tokens.filter(({ user }) => user.length);
// The user's name is another client's.
hints.push({ profile: 'shop.pingone', user: ['--subject', 'bank'] });
hints.push({ profile: 'shop.ciba', user: ['--subject', 'portal'] });
for (const { profile, user } of hints) {
    const token = await mint(profile, '--audience', issuer, ...user);
    const replies = [];
    for (const members of [{}, ...clients.map((client) => ({ client_id: client }))]) {
        replies.push(await post(ask, assertion(token, members), request));
        replies.push(await post(poll, assertion(token, members), grant));
    }
    ok(replies.every((reply) => isRefused(reply, ['invalid_client', 'invalid_request'])),
        `${profile} ${user.join(' ')} as a client assertion: refused`, replies);
}

// What would be one: a hint that names the client itself.
for (const profile of ['shop.pingone', 'shop.authway', 'shop.ciba']) {
    const minted = await mint(profile, '--audience', issuer, '--subject', 'shop').catch(() => 'refused');
    is(minted, 'refused', `${profile}: the agent makes none for the client's own id`);
}

// --- client assertions again, and elsewhere ---

const login = await mint('shop.login', '--audience', issuer);
ok((await post(ask, assertion(login), request)).auth_req_id, 'a client assertion: accepted');
is((await post(ask, assertion(login), request)).error, 'invalid_client', '... a second time: refused');
const elsewhere = await mint('shop.login', '--audience', other);
is((await post(ask, assertion(elsewhere), request)).error, 'invalid_client',
    'a client assertion for another provider: refused');
const another = await mint('shop.login', '--audience', issuer);
is((await post(ask, assertion(another, { client_id: 'bank' }), request)).error, 'invalid_request',
    'a client assertion of another client: refused');
