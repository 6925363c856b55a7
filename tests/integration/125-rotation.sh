#!/usr/bin/env bash
# A signing key is replaced under load: generate, publish, switch when everybody knows, retire. No token
# fails to verify against what is published at that moment.
. "$(dirname "$0")/lib.sh"
need softhsm2-util
need_python 'import jwt; jwt.PyJWK' 'PyJWT (python3-jwt)'

LIFETIME=2 # seconds
jwks=$work/jwks.json

# profile KEY ALGORITHM [PUBLISH]: and it is in force
profile() {
    local publish=${3:+'"publish": ['"$3],"}
    profile_write login <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=$1", "algorithm": "$2",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "lifetime": $LIFETIME,
  $publish "allow": $allow_me }
END
    [ -z "$agent_pid" ] || agent_reload
}

publish() {
    hintsign jwks login --output "$jwks" || bail_out 'no JWK Set'
}

# load COUNT ENOUGH: starts programs that ask for tokens until the file ENOUGH is there
load() {
    local i
    loaders=()
    for ((i = 0; i < $1; i++)); do
        "$python" "$top_srcdir/tests/interop/rotation.py" login "$jwks" "$2" >"$2.out.$i" 2>&1 &
        loaders[i]=$!
    done
}

# seen COUNT ENOUGH: whether all of them have met that many keys, or have ended
seen() {
    local pid
    for pid in "${loaders[@]}"; do
        ! kill -0 "$pid" 2>/dev/null || [ "$(wc -l <"$2.$pid.kids")" -ge "$1" ] || return 1
    done
}

# known ENOUGH: whether all of them know what is published, or have ended
known() {
    local pid
    for pid in "${loaders[@]}"; do
        ! kill -0 "$pid" 2>/dev/null || cmp -s "$jwks" "$1.$pid.jwks" || return 1
    done
}

is_past() {
    [ "$(date +%s)" -gt "$1" ]
}

published() {
    grep -o '"kid"' "$jwks" | wc -l
}

# rotate OLD ALGORITHM NEXT TYPE ALGORITHM COUNT: the COUNTth key takes over.
rotate() {
    local old="{ \"key\": \"pkcs11:object=$1\", \"algorithm\": \"$2\" }"
    local next="{ \"key\": \"pkcs11:object=$3\", \"algorithm\": \"$5\" }"
    key_generate "$3" "$4"
    profile "$1" "$2" "$next"
    publish
    is "$(published)" 2 "$3 is published before it signs"
    wait_for 20 known "$work/enough"
    profile "$3" "$5" "$old"
    publish
    wait_for 20 seen "$6" "$work/enough"
    wait_for 20 is_past $(($(date +%s) + LIFETIME))
    profile "$3" "$5"
    publish
    is "$(published)" 1 "$1 is published no longer"
    runs 0 "$1 is deleted" hintsign-key delete --token "$(token_uri)" --label "$1" --yes
}

token_create
key_generate first ec:P-256
profile first ES256
agent_config
agent_start
publish

load 2 "$work/enough"
wait_for 20 seen 1 "$work/enough"
rotate first ES256 second ec:P-256 ES256 2
rotate second ES256 third rsa:2048 PS256 3
: >"$work/enough"
for i in "${!loaders[@]}"; do
    status=0
    wait "${loaders[i]}" || status=$?
    include_tap <"$work/enough.out.$i"
    is "$status" 0 '... and that program ends well'
    like "$(cat "$work/enough.out.$i")" 'of 3 keys verify, [4-9] times' '... having seen all of it'
done
unlike "$(cat "$work/agent.log")" 'not ready' 'the profile was always ready'

# --- the test itself: a switch to a key that was never published is noticed ---

load 1 "$work/wrong"
wait_for 20 seen 1 "$work/wrong"
key_generate fourth ec:P-256
profile fourth ES256
status=0
wait "${loaders[0]}" || status=$?
is "$status" 1 'a switch without publishing is noticed'
like "$(cat "$work/wrong.out.0")" 'KeyError' '... by a token whose key is not there'
agent_stop
done_testing
