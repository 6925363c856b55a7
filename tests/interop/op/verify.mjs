// Whether an ID token is what it should be.
// Usage: node verify.mjs ORIGIN ISSUER CLIENT USER TOKEN
import { idToken, is, ok } from './client.mjs';

const [, issuer, client, user, token] = process.argv.slice(2);

try {
    is((await idToken(issuer, client, token)).sub, user, 'its ID token is for the right user');
} catch (error) {
    ok(false, 'there is an ID token', `${error}: ${token}`);
}
