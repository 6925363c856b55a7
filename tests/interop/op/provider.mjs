// A web server with several OpenID Providers (npm oidc-provider), alike but for their issuers and
// the type of the key that they want hints encrypted to. Clients authenticate with JWTs alone and
// ask for users with login_hint_tokens (OpenID CIBA, poll mode). The parameter `hint_kind` tells of
// which kind a hint is; without it, it is one for PingOne.
//
// Usage: node provider.mjs CONFIG     prints {"origin":"https://127.0.0.1:PORT"} when it listens
//
// CONFIG is JSON; the files that it names are read when the first request comes:
//   { "certificate": FILE, "key": FILE,
//     "providers": { "rsa": "RSA", "p256": "P-256", ... },          the issuers are ORIGIN/rsa, ...
//     "users": [ { "sub": "bob", "email": ..., "phone": ... }, ... ],
//     "clients": [ { "id": "c", "alg": "HS256", "secret_file": FILE },
//                  { "id": "d", "alg": "ES256", "jwks_file": FILE }, ... ],
//     "discovery": { "issuer": "https://...", "jwks_file": FILE } }
import fs from 'node:fs';
import https from 'node:https';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { userOf } from './hints.mjs';

const CIBA = 'urn:openid:params:grant-type:ciba';

const read = (file) => fs.readFileSync(file, 'utf8');
const config = JSON.parse(read(process.argv[2]));

// --- keys ---

const keyTypes = {
    'RSA': ['RSA-OAEP-256', {}],
    'P-256': ['ECDH-ES', { crv: 'P-256' }],
    'X25519': ['ECDH-ES', { crv: 'X25519' }],
};

// A private JWK that says what it is for, but not by which algorithm.
async function newKey(use, alg, options) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
    const jwk = await exportJWK(privateKey);
    return { ...jwk, use, kid: await calculateJwkThumbprint(jwk) };
}

// --- clients ---

function readClient({ id, alg, secret_file: secret, jwks_file: jwks }) {
    return secret ? { id, alg, secret: read(secret) } : { id, alg, jwks: JSON.parse(read(jwks)) };
}

function clientMetadata({ id, alg, secret, jwks }) {
    return {
        client_id: id,
        ...(secret ? { client_secret: secret } : { jwks }),
        token_endpoint_auth_method: secret ? 'client_secret_jwt' : 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        id_token_signed_response_alg: 'ES256',
        grant_types: [CIBA],
        backchannel_token_delivery_mode: 'poll',
        response_types: [],
        redirect_uris: [],
    };
}

// --- one provider ---

function cibaFeature(context) {
    return {
        enabled: true,
        deliveryModes: ['poll'],
        async processLoginHintToken(ctx, token) {
            const client = context.clients.find(({ id }) => id === ctx.oidc.client.clientId);
            const user = await userOf(token, ctx.oidc.params.hint_kind ?? 'pingone', { ...context, client });
            return user?.sub;
        },
        processLoginHint: () => undefined, // nobody
        validateRequestContext: () => undefined,
        validateBindingMessage: () => undefined,
        verifyUserCode: () => undefined,
        triggerAuthenticationDevice: () => undefined, // see agreeWhenAsked
    };
}

// The user agrees as soon as the client has asked for tokens in vain.
function agreeWhenAsked(provider) {
    provider.on('grant.error', async (ctx, error) => {
        if (error.error !== 'authorization_pending') return;
        const { BackchannelAuthenticationRequest, Grant } = provider;
        const request = await BackchannelAuthenticationRequest.find(ctx.oidc.params.auth_req_id);
        const grant = new Grant({ accountId: request.accountId, clientId: request.clientId });
        grant.addOIDCScope('openid');
        await provider.backchannelResult(request, await grant.save());
    });
}

// Clients may poll every second, rather than every five as when they are not told.
function shortenInterval(provider) {
    provider.use(async (ctx, next) => {
        await next();
        if (ctx.body?.auth_req_id) ctx.body = { ...ctx.body, interval: 1 };
    });
}

async function newProvider(issuer, keyType, common) {
    const keys = [await newKey('enc', ...keyTypes[keyType])];
    const context = { ...common, issuer, keys };
    const algorithms = [...new Set(common.clients.map(({ alg }) => alg))];
    const provider = new Provider(issuer, {
        jwks: { keys: [...keys, await newKey('sig', 'ES256')] },
        clients: common.clients.map(clientMetadata),
        clientAuthMethods: ['client_secret_jwt', 'private_key_jwt'],
        enabledJWA: { clientAuthSigningAlgValues: algorithms },
        extraParams: ['hint_kind'],
        clockTolerance: 0,
        features: {
            ciba: cibaFeature(context),
            devInteractions: { enabled: false },
            encryption: { enabled: true },
        },
        findAccount: (ctx, sub) => common.users.some((user) => user.sub === sub)
            ? { accountId: sub, claims: () => ({ sub }) } : undefined,
    });
    agreeWhenAsked(provider);
    shortenInterval(provider);
    return provider.callback();
}

// --- the server ---

async function newProviders(origin) {
    const common = {
        users: config.users,
        clients: config.clients.map(readClient),
        discovery: { issuer: config.discovery.issuer, jwks: JSON.parse(read(config.discovery.jwks_file)) },
    };
    const providers = {};
    for (const [name, keyType] of Object.entries(config.providers)) {
        providers[name] = await newProvider(`${origin}/${name}`, keyType, common);
    }
    return providers;
}

let providers;

// As a web framework mounts them: without the first part of the path.
async function serve(request, response) {
    const { origin } = address();
    providers ??= newProviders(origin);
    const [, name, rest] = /^\/([^/?]*)(.*)$/.exec(request.url);
    const provider = (await providers)[name];
    if (!provider) {
        response.writeHead(404).end();
        return;
    }
    request.originalUrl = request.url;
    request.url = rest || '/';
    provider(request, response);
}

function address() {
    return { origin: `https://127.0.0.1:${server.address().port}` };
}

const server = https.createServer({ cert: read(config.certificate), key: read(config.key) }, serve);
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(address())));
