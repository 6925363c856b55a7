#!/usr/bin/env bash
# authway tokens verify with PyJWT under base64(SHA-256(secret)).
. "$(dirname "$0")/lib.sh"
need softhsm2-util
# The first python3 on PATH may be another than Debian's, which has the package.
need_python 'import jwt' 'PyJWT (python3-jwt)'

token_create
secret=W7k1i3EvpYSApLj6CW7pYGkYsFTGdwJ96m0uIh64
key_import app "$secret" --derive authway
key_import plain "$secret"
for key in app plain; do
    profile_write "$key" <<END
{ "version": 1, "kind": "authway", "key": "pkcs11:object=$key", "algorithm": "HS256",
  "client_id": "TestTrustedApp", "audiences": [ "https://tenant.example" ],
  "accept": { "email": "email" }, "allow": $allow_me }
END
done
agent_config
agent_start

verify() {
    "$python" "$top_srcdir/tests/interop/authway.py" "$secret" TestTrustedApp https://tenant.example
}

runs 0 'mints' hintsign mint app --subject FEFC9E8B-062B-DF44-FDF0-39FC52AE2B58
cp "$work/stdout" "$work/token"
runs 0 'PyJWT accepts it' verify <"$work/token"
{ read -r header && read -r claims; } <"$work/stdout"
is "$header" '{"alg":"HS256","typ":"JWT"}' 'the header'
like "$claims" '^\{"sub":"FEFC9E8B-062B-DF44-FDF0-39FC52AE2B58","iat":[0-9]+,"iss":"TestTrustedApp","aud":"https://tenant.example"\}$' \
    'the claims and their order'

runs 0 'mints with an e-mail address and a tenant' \
    hintsign mint app --claim email=zoe@example.com --claim tid=42
cp "$work/stdout" "$work/token"
runs 0 'PyJWT accepts it too' verify <"$work/token"
like "$(tail -n 1 "$work/stdout")" '^\{"email":"zoe@example.com","tid":"42","iat":' 'identifiers, then tid'

runs 1 'refused: no identifier' hintsign mint app --claim tid=42

runs 0 'mints with a key that was not derived' hintsign mint plain --subject x
cp "$work/stdout" "$work/token"
runs 1 'PyJWT refuses that: it can fail' verify <"$work/token"
agent_stop
done_testing
