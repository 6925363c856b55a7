// A client of an OpenID Provider that knows no key: everything it signs it gets from the agent.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createLocalJWKSet, jwtVerify } from 'jose';

const PENDING = 'authorization_pending';
const POLL_MS = 100;
const TRIES = 50;

const run = promisify(execFile);

// The token of a profile, or what `options` make of it (--format form: a part of a request's body).
export async function mint(profile, ...options) {
    const { stdout } = await run('hintsign', ['mint', profile, ...options]);
    return stdout.trim();
}

async function fetchJson(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: status ${response.status}`);
    return response.json();
}

const known = new Map();

// The metadata of an issuer (OpenID Connect Discovery) and the keys behind them.
export async function discover(issuer) {
    if (!known.has(issuer)) {
        const metadata = await fetchJson(`${issuer}/.well-known/openid-configuration`);
        known.set(issuer, { ...metadata, keys: createLocalJWKSet(await fetchJson(metadata.jwks_uri)) });
    }
    return known.get(issuer);
}

// Posts the parts of a body, URL-encoded each. Gives the status and what the reply says.
export async function post(url, ...parts) {
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept': 'application/json' },
        body: parts.join('&'),
    });
    return { status: response.status, ...await response.json() };
}

export const encode = (members) => new URLSearchParams(members).toString();

// Asks for a user's authentication: the client assertion of profile `login`, the hint as it is.
export async function authenticate(issuer, login, kind, hint) {
    const { backchannel_authentication_endpoint: url } = await discover(issuer);
    return post(url, await mint(login, '--audience', issuer, '--format', 'form'),
        encode({ scope: 'openid', hint_kind: kind, login_hint_token: hint }));
}

// Polls for the tokens, with a new client assertion each time. Gives all replies.
export async function poll(issuer, login, request) {
    const { token_endpoint: url } = await discover(issuer);
    const replies = [];
    do {
        if (replies.length) await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
        replies.push(await post(url, await mint(login, '--audience', issuer, '--format', 'form'),
            encode({ grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: request })));
    } while (replies.at(-1).error === PENDING && replies.length < TRIES);
    return replies;
}

// The claims of an ID token for this client.
export async function idToken(issuer, client, token) {
    const { keys } = await discover(issuer);
    return (await jwtVerify(token, keys, { issuer, audience: client, algorithms: ['ES256'] })).payload;
}

// --- results for include_tap of lib.sh ---

export function ok(condition, name, detail) {
    console.log(`${condition ? 'ok' : 'not ok'} - ${name}`);
    if (!condition) console.log(`# ${JSON.stringify(detail)}`);
}

export function is(got, wanted, name) {
    ok(got === wanted, name, { got, wanted });
}
