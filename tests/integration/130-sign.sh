#!/usr/bin/env bash
# Profiles of kind raw: what Sign signs is verified by others, and everything else is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util
need_python 'import cryptography' 'cryptography (python3-cryptography)'

# ciba NAME KEY [MEMBERS]
ciba() {
    profile_write "$1" <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=$2", "algorithm": "ES256", ${3:-}
  "issuer": "HINTS", "audiences": [ "https://op.example" ], "accept": { "sub": "string" },
  "allow": $allow_me }
END
}

# reason PROFILE: why it is not ready
reason() {
    hintsign status --json | "$python" -c '
import json, sys
for profile in json.load(sys.stdin)["profiles"]:
    if profile["name"] == sys.argv[1]:
        print(profile.get("reason", "ready"))' "$1"
}

token_create
for type in rsa:2048 rsa:3072 ec:P-256 ec:P-384 ec:P-521; do
    name=${type/:/-}
    key_generate "${name,,}" "$type"
done
profile_raw rsa rsa-2048 '"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"'
profile_raw es256 ec-p-256 '"ES256"'
profile_raw es384 ec-p-384 '"ES384"'
profile_raw es512 ec-p-521 '"ES512"'
profile_raw forbidden rsa-3072 '"RS256"' '[ { "uid": 4000000000 } ]'
if [ "$SANITIZED" = no ]; then
    key_generate ed25519 ed25519
    profile_raw ed25519 ed25519 '"EdDSA"'
else
    skip EdDSA 'SoftHSM2 leaks memory whenever an Ed25519 key is to sign'
fi
key_generate minting ec:P-256
ciba minting minting
agent_config
agent_start

# --- what is signed, what is refused, what is recorded ---

PYTHONPATH=$top_srcdir/tests/integration "$python" "$top_srcdir/tests/integration/sign.py" \
    "$work/audit.jsonl" >"$work/tap" || diag "sign.py ended with $?"
include_tap <"$work/tap"
is "$(tail -n 1 "$work/tap")" '# done' 'all was tried'
"$python" "$top_srcdir/tests/integration/audit_chain.py" "$work/audit.jsonl" >"$work/chain" 2>&1 ||
    diag "$(cat "$work/chain")"

# --- public keys, by name only ---

is "$(hintsign jwks | grep -o '"kid"' | wc -l)" 1 'the set of all profiles has none of their keys'
runs 0 'by name there is one' hintsign jwks rsa
unlike "$(cat "$work/stdout")" '"alg"' '... without an algorithm, as it has several'
like "$(hintsign jwks es256)" '"alg":"ES256"' '... with it where there is one'
like "$(hintsign profiles)" 'rsa +raw +RS256 RS384 RS512 PS256 PS384 PS512 +yes' 'hintsign profiles lists them'

# --- nothing else may use the key ---

ciba second ec-p-256
agent_reload
like "$(profile_state second)$(profile_state es256)" 'used elsewhere.*used elsewhere' \
    'a key that also mints: neither profile is ready'
runs 4 '... and no token is minted' hintsign mint second --subject bob
ciba second minting '"publish": [ { "key": "pkcs11:object=ec-p-384", "algorithm": "ES384" } ],'
agent_reload
like "$(profile_state second)$(profile_state es384)" 'used elsewhere.*used elsewhere' \
    'a key that is published beside another: neither profile is ready'
runs 4 '... and the set is not given' hintsign jwks second
runs 4 '... nor a token' hintsign mint second --subject bob
is "$(profile_state es256)" ready '... while one that is free again is'
profile_raw second rsa-2048 '"RS256"'
agent_reload
like "$(profile_state second)$(profile_state rsa)" 'used elsewhere.*used elsewhere' \
    'a key of two profiles that sign: neither is ready'
rm "$work/profiles.d/second.json"
agent_reload
is "$(profile_state rsa)" ready 'alone again it is ready'

# --- configuration ---

# refused NAME ALGORITHMS REGEX [MEMBERS]
refused() {
    profile_write bad <<END
{ "version": 1, "kind": "raw", "key": "pkcs11:object=x", "algorithms": [ $2 ]${4:-} }
END
    runs 1 "$1: refused" hintsign-agent --config "$work/agent.json" --check
    like "$(cat "$work/stderr")" "$3" '... with the reason'
}
refused 'a client secret' '"HS256"' 'algorithms\[0\]: does not serve kind raw'
refused 'no algorithm' '' 'algorithms: '
refused 'an algorithm twice' '"PS256", "PS256"' 'algorithms\[1\]: stands here twice'
refused 'RSA and EC' '"PS256", "ES256"' 'algorithms\[1\]: .*no key'
refused 'two curves' '"ES384", "ES256"' 'algorithms\[1\]: .*no key'
refused 'an issuer' '"ES256"' 'issuer' ', "issuer": "x"'
refused 'claims' '"ES256"' 'accept' ', "accept": { "sub": "string" }'
refused 'one algorithm' '"ES256"' 'algorithm: ' ', "algorithm": "ES256"'
rm "$work/profiles.d/bad.json"
agent_stop

# --- a token that does not do the first algorithm of a profile ---

faulty_token
script 'refuse 0xd' # CKM_RSA_PKCS_PSS
rm "$work/profiles.d"/*.json
profile_raw half rsa-2048 '"PS256", "RS256"'
agent_config
agent_launch
PYTHONPATH=$top_srcdir/tests/integration "$python" - >"$work/signed" <<'END'
from varlink_client import *
with Client() as client:
    for algorithm in "PS256", "RS256":
        print(error(client.call(AGENT + "Sign", {"profile": "half", "algorithm": algorithm, "data": ""})))
END
is "$(echo $(cat "$work/signed"))" 'KeyUnavailable None' 'the other one signs'
like "$(grep '"type":"sign"' "$work/audit.jsonl" | tail -n 1)" '"key":"rsa-2048","key_digest":"[0-9a-f]{32}","alg":"RS256"' \
    '... and its key is recorded'
agent_stop
done_testing
