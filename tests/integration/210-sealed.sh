#!/usr/bin/env bash
# A modrna hint is signed in the token and encrypted to the provider's key, or there is none.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need softhsm2-util
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import jwcrypto' 2>/dev/null && python=$candidate
done
[ -n "$python" ] || skip_all 'jwcrypto is not installed'
sealed=$top_srcdir/tests/interop/sealed.py
issuer=https://op.example/tenant

token_create
key_generate disc ec:P-256
mkdir -m 755 "$work/keys"
profile_write hint <<END
{ "version": 1, "kind": "modrna", "key": "pkcs11:object=disc", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "$issuer" ], "allow": $allow_me,
  "seal": { "alg": [ "RSA-OAEP-256", "ECDH-ES+A256KW" ], "enc": "A256GCM", "max_stale": 3600 } }
END
agent_config "\"provider_keys_dir\": \"$work/keys\""
agent_launch

# has_key TYPE [ARGUMENT...]: the provider has a key of that type, and the agent has seen it.
has_key() {
    make_key "$@"
    wait_for 5 in_use
}

make_key() {
    kid=$("$python" "$sealed" keys "$work/keys" "$issuer" "$@") || bail_out 'no key was made'
    chmod 644 "$work/keys"/*.json
}

in_use() {
    hintsign status --json | grep -q "\"kid\": *\"$kid\""
}

is_mended() {
    ! hintsign status --json | grep -q 'others can write'
}

is_from_future() {
    hintsign status --json | grep -q 'in the future'
}

is_of_today() {
    ! is_from_future
}

mints() {
    hintsign mint hint --claim MSISDN=+46701234567 >"$work/token" 2>"$work/stderr"
}

# refused NAME: no token leaves, for want of a key.
refused() {
    local status=0
    mints || status=$?
    is "$status $(cat "$work/token")" '4 ' "$1: nothing leaves"
    like "$(cat "$work/stderr")" EncryptionKeyUnavailable "$1: and the error says why"
}

refused 'no key file'
runs 4 'the profile is not ready' hintsign status --ready
has_key rsa
runs 0 'the key is there: ready' hintsign status --ready
hintsign jwks hint >"$work/jwks.json"

declare -A alg=([rsa]=RSA-OAEP-256 [P-256]=ECDH-ES+A256KW [P-521]=ECDH-ES+A256KW [X25519]=ECDH-ES+A256KW)
for type in rsa P-256 P-521 X25519; do
    if has_key "$type"; then ok "$type: the new key is taken up without a restart"; else not_ok "$type"; fi
    mints
    "$python" "$sealed" open "$work/keys/$type.jwk" "$work/jwks.json" <"$work/token" >"$work/opened" 2>"$work/error" ||
        diag "$(tail -n 3 "$work/error")"
    is "$(sed -n 1p "$work/opened")" \
        "{\"alg\": \"${alg[$type]}\", \"enc\": \"A256GCM\", \"kid\": \"$kid\", \"cty\": \"JWT\"}" \
        "$type: the outer header"
    like "$(sed -n 2p "$work/opened")" '^\{"alg": "ES256", "kid": "[A-Za-z0-9_-]{43}"\}$' "$type: the inner header"
    like "$(sed -n 3p "$work/opened")" \
        "^\{\"iss\":\"https://discovery.example\",\"aud\":\"$issuer\",\"iat\":[0-9]+,\"MSISDN\":\"\+46701234567\"\}$" \
        "$type: exactly these claims"
done

has_key rsa fetched-at "$(date +%s)"
runs 0 'a key fetched just now serves' hintsign mint hint --claim MSISDN=+46701234567
make_key rsa fetched-at "$(($(date +%s) - 4000))"
agent_log_has 'not ready: .* is stale' && ok 'the log says that it is stale' || not_ok 'the log says that it is stale'
refused 'a stale key'
make_key rsa fetched-at "$(($(date +%s) + 4000))"
agent_log_has 'in the future' && ok 'a key from the future is noticed' || not_ok 'a key from the future is noticed'
refused 'a key from the future, after a stale one'
has_key rsa
has_key rsa fetched-at "$(date +%s)"
sed -i "s/\"fetched_at\": *[0-9]*/\"fetched_at\": $(($(date +%s) + 306))/" "$work/keys"/*.json
runs 0 'a file from the near future is noticed' wait_for 5 is_from_future
runs 0 '... and read again, as it is, when its time has come' wait_for 20 is_of_today
is "$(grep -c 'in the future' "$work/agent.log")" 2 '... which the log said once'
chmod 666 "$work/keys"/*.json
agent_log_has 'others can write' && ok 'a file that others can write is noticed' || not_ok 'a file that others can write is noticed'
runs 0 'the key from before still serves' hintsign mint hint --claim MSISDN=+46701234567
like "$(hintsign status --json)" 'others can write' '... and the status says what is wrong'
chmod 644 "$work/keys"/*.json
runs 0 'chmod mends it: nobody needs to write the file again' wait_for 5 is_mended
has_key P-256
runs 1 'a number that is no E.164' hintsign mint hint --claim MSISDN=46701234567

# As much as a request can hold: thirty claims of 1 KiB that all must be escaped.
profile_write ciba <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=disc", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "$issuer" ], "allow": $allow_me,
  "accept": { "c1": "string"$(printf ', "c%d": "string"' {2..30}) },
  "seal": { "alg": [ "ECDH-ES+A256KW" ], "enc": "A256GCM" } }
END
agent_reload
"$python" -c 'import json; print(json.dumps({"c%d" % i: "\"" * 1024 for i in range(1, 31)}))' >"$work/claims"
runs 0 'the largest claims are sealed' hintsign mint ciba --claims-file "$work/claims"
"$python" "$sealed" open "$work/keys/P-256.jwk" "$work/jwks.json" <"$work/stdout" >"$work/opened" 2>"$work/error"
is "$(sed -n 3p "$work/opened" | grep -o '\\"' | wc -l)" 30720 'and whole'
agent_stop
done_testing
