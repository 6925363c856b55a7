// Compares the agent's tokens, byte for byte, with what npm jwtgen prints for the same secret,
// times and claims. Writes a TAP line a subject, without number or plan.
// Usage: node jwtgen.js PROFILE ALGORITHM ISSUER AUDIENCE   (the secret on standard input)
'use strict';
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const [profile, algorithm, iss, aud] = process.argv.slice(2);
const secret = fs.readFileSync(0, 'utf8');
const subjects = JSON.parse(fs.readFileSync(path.join(__dirname, 'subjects.json'), 'utf8'));
const jwtgen = path.join(__dirname, 'node_modules', 'jwtgen', 'bin', 'jwtgen.js');

function run(program, args) {
    return execFileSync(program, args, { encoding: 'utf8' });
}

function decoded(token) {
    return token.trim().split('.').slice(0, 2).map((part) => Buffer.from(part, 'base64url'));
}

// In ASCII, and without the sign that starts a directive in TAP.
function printable(text) {
    return JSON.stringify(text).replace(/[^ -~]|#/g,
        (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
}

for (const sub of subjects) {
    const token = run('hintsign', ['mint', profile, '--subject', sub]);
    const { iat, exp } = JSON.parse(decoded(token)[1]);
    const claims = JSON.stringify({ iat, exp, iss, sub, aud });
    const expected = run(process.execPath,
        [jwtgen, '-a', algorithm, '-s', secret, '-e', String(exp - iat), '--claims', claims]);
    const name = `${algorithm} ${printable(sub)}`;
    if (token === expected) {
        console.log(`ok - ${name}`);
    } else {
        console.log(`not ok - ${name}`);
        console.log(`# got:    ${decoded(token).join(' ')}`);
        console.log(`# jwtgen: ${decoded(expected).join(' ')}`);
    }
}
