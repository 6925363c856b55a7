// What a provider does with a login_hint_token: verifies it as the kind that it is said to be, and
// says whose it is.
import { createHash } from 'node:crypto';
import { compactDecrypt, createLocalJWKSet, decodeJwt, errors as jose, importJWK, jwtVerify } from 'jose';
import { errors as oidc } from 'oidc-provider';

const FRESH = '240s'; // how old a token may be
const HMAC = ['HS256', 'HS384', 'HS512'];
const SIGNATURES = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const SEALS = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'];
const CONTENTS = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'];

// `sealed` must, may (undefined) or must not be encrypted; `claims` must be there, `more` may be,
// others must not.
const kinds = {
    pingone: {
        sealed: false,
        algorithms: HMAC,
        issuer: ({ client }) => client.id,
        key: ({ client }) => Buffer.from(client.secret),
        claims: ['iat', 'exp', 'iss', 'sub', 'aud'],
        more: [],
    },
    authway: {
        sealed: false,
        algorithms: ['HS256'],
        issuer: ({ client }) => client.id,
        key: ({ client }) => Buffer.from(createHash('sha256').update(client.secret).digest('base64')),
        claims: ['iat', 'iss', 'aud'],
        more: ['sub', 'email', 'tid', 'exp'],
    },
    modrna: {
        sealed: true,
        algorithms: SIGNATURES,
        issuer: ({ discovery }) => discovery.issuer,
        key: ({ discovery }) => createLocalJWKSet(discovery.jwks),
        claims: ['iss', 'aud', 'iat', 'MSISDN'],
        more: ['exp', 'jti'],
    },
    ciba: {
        sealed: undefined,
        algorithms: SIGNATURES,
        issuer: ({ client }) => client.id,
        key: ({ client }) => createLocalJWKSet(client.jwks),
        claims: ['iss', 'aud', 'iat', 'exp', 'jti'],
        more: ['sub', 'sub_id'],
    },
};

// Where the user stands in the claims, and in the provider's register.
const identifiers = [
    ['sub', (claims) => claims.sub],
    ['email', (claims) => claims.email],
    ['phone', (claims) => claims.MSISDN],
    ['email', (claims) => claims.sub_id?.format === 'email' ? claims.sub_id.email : undefined],
];

// RFC 7519 section 5.2: what is in a nested token says so.
async function unsealed(token, keys) {
    const find = (header) => {
        const key = keys.find(({ kid }) => kid === header.kid);
        if (!key) throw new Error('no such encryption key');
        return importJWK(key, header.alg);
    };
    const { plaintext, protectedHeader } = await compactDecrypt(token, find,
        { keyManagementAlgorithms: SEALS, contentEncryptionAlgorithms: CONTENTS });
    if (protectedHeader.cty !== 'JWT') throw new Error('the cty of a sealed token must be JWT');
    return new TextDecoder().decode(plaintext);
}

async function verified(kind, token, context) {
    const sealed = token.split('.').length === 5;
    if (kind.sealed !== undefined && kind.sealed !== sealed) throw new Error('wrongly sealed');
    const signed = sealed ? await unsealed(token, context.keys) : token;
    const { payload } = await jwtVerify(signed, kind.key(context), {
        algorithms: kind.algorithms,
        issuer: kind.issuer(context),
        requiredClaims: kind.claims,
        maxTokenAge: FRESH,
    });
    if (payload.aud !== context.issuer) throw new Error('for another audience');
    const strange = Object.keys(payload).find((name) => ![...kind.claims, ...kind.more].includes(name));
    if (strange) throw new Error(`a claim ${strange}`);
    return payload;
}

// The user of a token: one of `context.users`, or undefined. `context` further holds the provider's
// `issuer` and its private `keys`, the `client` that shows the token, and the `discovery` service.
// Throws the errors of OpenID CIBA Core section 13.
export async function userOf(token, name, context) {
    let claims;
    if (!Object.hasOwn(kinds, name)) throw new oidc.InvalidRequest('no such kind of hint');
    try {
        claims = await verified(kinds[name], token, context);
    } catch (error) {
        if (error instanceof jose.JWTExpired) throw new oidc.ExpiredLoginHintToken(error.message);
        throw new oidc.InvalidRequest(`login_hint_token: ${error.message}`);
    }
    const given = identifiers.filter(([, claim]) => claim(claims) !== undefined);
    if (given.length === 0) throw new oidc.InvalidRequest('login_hint_token: names nobody');
    return context.users.find((user) => given.every(([name, claim]) => user[name] === claim(claims)));
}
