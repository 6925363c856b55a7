// Has a user authenticated by OpenID CIBA, and prints his ID token.
// Usage: node ciba.mjs ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER
import * as client from 'openid-client';
import { clientAuth, mint } from './hintsign.mjs';

const [issuer, clientId, login, hint, user] = process.argv.slice(2);

const provider = await client.discovery(new URL(issuer), clientId, undefined, clientAuth(login));
const request = await client.initiateBackchannelAuthentication(provider, {
    scope: 'openid',
    login_hint_token: await mint(hint, { audience: issuer, claims: { sub: user } }),
});
const tokens = await client.pollBackchannelAuthenticationGrant(provider, request);
console.log(tokens.id_token);
