#!/usr/bin/env bash
# A module that misbehaves by script: each fault, what the caller sees, and what recovery did.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need softhsm2-util openssl
[ "$SANITIZED" = no ] || skip_all 'a faulty module that is loaded late confuses the sanitizers'

token_create
secret=$(random_hex 32)
other=$(random_hex 32)
key_import acme "$secret"
key_import other "$other"
hintsign-key generate --token "$(token_uri)" --label rsa --type rsa:2048 >"$work/generate.log" 2>&1 ||
    bail_out "$(cat "$work/generate.log")"
profile_write hint <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "c", "audiences": [ "https://op" ], "allow": $allow_me }
END
profile_write assertion <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=rsa", "algorithm": "RS256",
  "client_id": "c", "audiences": [ "https://op" ], "allow": $allow_me }
END

export FAULTY_MODULE=$module FAULTY_SCRIPT=$work/script
tokens_json="{ \"name\": \"a\", \"uri\": \"$(module=$top_builddir/tests/fault/.libs/faulty.so token_uri)\" }"
: >"$FAULTY_SCRIPT"
agent_config
agent_start

# calls FUNCTION: how often the module has seen it.
calls() {
    grep -cx "$1" "$FAULTY_SCRIPT.calls"
}

script() {
    printf '%s\n' "$@" >"$work/script.new"
    mv "$work/script.new" "$FAULTY_SCRIPT"
}

# verifies TOKEN: whether its MAC is the one of the right key.
verifies() {
    local input=${1%.*} mac
    mac=$(printf '%s' "$input" | openssl dgst -sha256 -mac HMAC -macopt "key:$secret" -binary |
        openssl base64 -A | tr '+/' '-_' | tr -d =)
    [ "$mac" = "${1##*.}" ]
}

# fault NAME STATUS LOGINS INITIALIZES LINE...: with these faults, a mint ends with STATUS after
# so many logins and initialisations; afterwards, without faults, it succeeds.
fault() {
    local name=$1 status=$2 logins=$3 initializes=$4
    shift 4
    local login=$(($(calls C_Login) + logins)) initialize=$(($(calls C_Initialize) + initializes))
    script "$@"
    runs "$status" "$name: status $status" hintsign mint hint --subject bob
    if [ "$status" = 0 ]; then
        if verifies "$(cat "$work/stdout")"; then ok "$name: with the right key"; else not_ok "$name: with the right key"; fi
    fi
    is "$(calls C_Login)" "$login" "$name: logins: $logins"
    is "$(calls C_Initialize)" "$initialize" "$name: initialisations: $initializes"
    script ''
    if wait_for 3 hintsign mint hint --subject bob; then ok "$name: serves afterwards"; else not_ok "$name: serves afterwards"; fi
}

#     what                          status  logins  initialisations  script
fault 'session gone'                0       0       0                'C_SignInit 0xb3 1'
fault 'session gone in C_Sign'      0       0       0                'C_Sign 0xb3 1'
fault 'operation active'            0       0       0                'C_SignInit 0x90 1'
fault 'general error once'          0       0       0                'C_Sign 0x05 1'
fault 'unknown vendor error once'   0       0       0                'C_Sign 0x80001234 1'
fault 'login lost'                  0       1       0                'C_SignInit 0x101 until C_Login'
fault 'key handle invalid'          0       1       0                'C_SignInit 0x60 1'
fault 'object handle invalid'       0       1       0                'C_SignInit 0x82 1'
fault 'two sessions gone'           0       1       0                'C_SignInit 0xb3 2'
fault 'device error'                0       1       1                'C_SignInit 0x30 until C_Initialize'
fault 'device removed'              0       1       1                'C_Sign 0x32 until C_Initialize'
fault 'token not present'           0       1       1                'C_SignInit 0xe0 until C_Initialize'
fault 'not initialised'             0       1       1                'C_SignInit 0x190 until C_Initialize'
fault 'a MAC that is too short'     4       0       0                'C_Sign short 1'
fault 'data refused'                4       0       0                'C_Sign 0x20 1'

script 'C_Sign wrong 1'
runs 0 'a wrong RSA signature is not given out' hintsign mint assertion
script ''

script 'C_Sign wrong 1000'
runs 4 'nor is one when all of them are wrong' hintsign mint assertion
is "$(cat "$work/stdout")" '' 'nothing is printed'
script ''
agent_log_has 'profile assertion is not ready: .*does not verify' && ok 'the log says why' || not_ok 'the log says why'
agent_reload
runs 0 'it serves again when the token does and keys are looked at again' hintsign mint assertion

# The token comes back with other objects under the names: refused.
login=$(calls C_Login)
script 'C_SignInit 0x101 until C_Login'
for key in acme other; do
    hintsign-key delete --token "$(token_uri)" --label "$key" --yes >"$work/delete.log" 2>&1
done
key_import acme "$other"
runs 4 'a key that was exchanged behind our back signs nothing' hintsign mint hint --subject bob
script ''
agent_log_has 'profile hint is not ready: .*exchanged' && ok 'and the log says so' || not_ok 'and the log says so'
is "$(calls C_Login)" "$((login + 1))" 'after one login'

agent_stop
done_testing
