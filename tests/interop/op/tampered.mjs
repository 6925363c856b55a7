// Tokens with one byte changed, at every STEP-th place, at all ends and dots: a provider refuses
// each. Usage: node tampered.mjs ORIGIN STEP
import { authenticate, mint, ok } from './client.mjs';

const issuer = `${process.argv[2]}/p256`;
const step = Number(process.argv[3]);
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const hints = [
    ['pingone', 'shop', 'shop.pingone', ['--subject', 'bob']],
    ['authway', 'shop', 'shop.authway', ['--subject', 'bob']],
    ['modrna', 'portal', 'modrna', ['--claim', 'MSISDN=+4915112345678']],
    ['ciba', 'portal', 'portal.ciba', ['--subject', 'bob']],
];

// The highest of a character's six bits always counts, also in the last one of a part.
function changed(token, place) {
    const value = BASE64URL.indexOf(token[place]);
    const other = value < 0 ? 'A' : BASE64URL[value ^ 32];
    return token.slice(0, place) + other + token.slice(place + 1);
}

function places(token) {
    const chosen = new Set();
    for (let i = 0; i < token.length; i++) {
        const edge = [token[i - 1], token[i], token[i + 1]].some((c) => c === '.' || c === undefined);
        if (i % step === 0 || edge) chosen.add(i);
    }
    return [...chosen];
}

// The claims of a signed token with another user's name, under the same signature.
function renamed(token) {
    const [header, claims, signature] = token.split('.');
    const text = Buffer.from(claims, 'base64url').toString().replace('"bob"', '"zoë"');
    return [header, Buffer.from(text).toString('base64url'), signature].join('.');
}

for (const [kind, client, profile, user] of hints) {
    const hint = await mint(profile, '--audience', issuer, ...user);
    const ask = (token) => authenticate(issuer, `${client}.login`, kind, token);
    const accepted = [];
    for (const place of places(hint)) {
        const reply = await ask(changed(hint, place));
        if (reply.error !== 'invalid_request') accepted.push({ place, reply });
    }
    const others = [hint.slice(1), hint.slice(0, -1), `${hint}A`, `${hint}.`, `A${hint}`, '.'];
    if (kind !== 'modrna') others.push(renamed(hint));
    for (const token of others) {
        const reply = await ask(token);
        if (reply.error !== 'invalid_request') accepted.push({ token, reply });
    }
    ok(accepted.length === 0,
        `${profile}: ${places(hint).length} of ${hint.length} bytes changed, one by one: refused`, accepted);
    const reply = await ask(hint);
    ok(reply.auth_req_id, '... as it was: accepted', reply);
}
