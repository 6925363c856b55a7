#!/usr/bin/env bash
# The audit log: what was decided stands there before a token leaves, and nothing that is secret.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3 prlimit

verify() {
    python3 "$top_srcdir/tests/integration/audit_chain.py" "$work/audit.jsonl" "$@" >"$work/tap" ||
        echo 'not ok - the audit log can be read' >>"$work/tap"
    include_tap <"$work/tap"
}

token_create
secret=secret-$(random_hex 32)
key_import acme "$secret"
profile_write acme <<END
{ "version": 1, "kind": "authway", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://a.example", "https://b.example" ],
  "accept": { "email": "email" }, "allow": [ { "uid": 4711 }, { "uid": $(id -u) } ] }
END
profile_write assertion <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "kid": "key-1",
  "allow": $allow_me }
END
profile_pingone missing
profile_write forbidden <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ] }
END
agent_config
agent_launch

# --- what stands there ---

# record NAME=VALUE...: compares members of the last record; an empty value: there is none.
record() {
    grep '"type":"mint"' "$work/audit.jsonl" | tail -n 1 >"$work/record"
    runs 0 "... recorded: ${*}" python3 -c '
import json, sys
record = json.load(open(sys.argv[1]))
for wanted in sys.argv[2:]:
    name, value = wanted.split("=", 1)
    if str(record.get(name, "")) != value:
        sys.exit(f"{name}: {record.get(name)}")' "$work/record" "$@"
}
me="type=mint listener=default uid=$(id -u) gid=$(id -g) configuration=1"
as_subject=(--claim "sub=subject-$(random_hex 8)" --claim "email=mail-$(random_hex 8)@example.org")

runs 0 'a token' hintsign mint acme --audience https://b.example "${as_subject[@]}" --reference 'order 17'
token=$(cat "$work/stdout")
# shellcheck disable=SC2086
record $me profile=acme allow=1 key=acme audience=https://b.example alg=HS256 jti= error= \
    "reference=order 17" "token_sha256=$(printf '%s' "$token" | sha256sum | cut -d' ' -f1)"
like "$(cat "$work/record")" '"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z","type":"mint"' \
    '... with its time'
like "$(cat "$work/record")" '"key_digest":"[0-9a-f]{32}"' "... and the key's digest"
digest=$(sed 's/.*"key_digest":"\([0-9a-f]*\)".*/\1/' "$work/record")
runs 0 'an assertion' hintsign mint assertion
jti=$(cut -d. -f2 "$work/stdout" | python3 -c '
import base64, json, sys
print(json.loads(base64.urlsafe_b64decode(sys.stdin.read().strip() + "=="))["jti"])')
record profile=assertion allow=0 kid=key-1 "jti=$jti" audience=https://op.example "key_digest=$digest"

runs 1 'a claim that is not accepted' hintsign mint acme --audience https://a.example --claim name=x
record profile=acme allow=1 error=InvalidClaim token_sha256= key=acme
runs 1 'an audience that there is not' hintsign mint acme --audience https://x.example "${as_subject[@]}"
record profile=acme allow=1 error=UnknownAudience token_sha256= audience=
runs 1 'a profile that is not his' hintsign mint forbidden --subject bob
record profile=forbidden error=NotAllowed allow= key= key_digest= audience= alg= token_sha256=
runs 1 'one that there is not' hintsign mint unknown --subject bob
record profile=unknown error=NotAllowed allow= key=
runs 1 'a name that no profile can have' hintsign mint 'not/a name' --subject bob
record profile= error=NotAllowed
runs 4 'a key that is missing' hintsign mint missing --subject bob
record profile=missing allow=0 error=KeyUnavailable key= token_sha256=
before=$(wc -l <"$work/audit.jsonl")
hintsign profiles >/dev/null
hintsign status >"$work/status"
is "$(wc -l <"$work/audit.jsonl")" "$before" 'what gives nothing out is not recorded'
verify

# --- what does not ---

hintsign status --json >>"$work/status"
for secret_part in "${as_subject[1]#*=}" "${as_subject[3]#*=}" "$secret" "$(cat "$work/pin")" \
    "${token##*.}" "$(cut -d. -f2 <<<"$token")"; do
    is "$(grep -lF -- "$secret_part" "$work/audit.jsonl" "$work/agent.log" "$work/agent.out" "$work/status")" '' \
        "neither in the logs nor in the status: ${secret_part:0:12}..."
done

# --- the disk is full ---

profile_pingone pingone acme
rm "$work/profiles.d/missing.json"
for sync in always interval; do
    agent_stop
    agent_config
    sed -i "s/\"audit\": {/\"audit\": { \"sync\": \"$sync\",/" "$work/agent.json"
    agent_start
    # In the middle of the third line from now.
    size=$(stat -c %s "$work/audit.jsonl")
    line=$(tail -n 1 "$work/audit.jsonl" | wc -c)
    prlimit --pid "$agent_pid" --fsize="$((size + 5 * line / 2)):unlimited"
    seq 200 | hintsign mint pingone --subjects-from - >"$work/full.$sync" 2>"$work/stderr"
    is $? 4 "sync $sync: the disk is full"
    is "$(grep -c . "$work/full.$sync")" 0 '... no token leaves'
    like "$(cat "$work/stderr")" 'AuditUnavailable' '... as is said'
    runs 0 'what needs no record works' hintsign profiles
    is "$(stat -c %s "$work/audit.jsonl")" "$size" '... no half line stays'
    is "$(grep -c 'audit: cannot write the log: File too large; nothing is given out until it can be' \
        "$work/agent.log")" 1 '... the log says it once'
    prlimit --pid "$agent_pid" --fsize=unlimited:unlimited
    runs 0 'with room again there are tokens' hintsign mint pingone --subject bob
    like "$(tail -n 1 "$work/agent.log")" '^audit: the log can be written again$' '... as the log says'
    rm "$work/agent.log"
    hintsign mint pingone --subject bob >>"$work/full.$sync"
    verify "$work/full.$sync"
done

# Somebody cuts off lines that were committed.
cp "$work/audit.jsonl" "$work/audit.copy"
: >"$work/audit.jsonl"
runs 4 'the log was cut off: no token' hintsign mint pingone --subject bob
like "$(cat "$work/stderr")" '^hintsign: AuditUnavailable: ' '... as is said'
agent_stop
mv "$work/audit.copy" "$work/audit.jsonl"

# --- kill -9 at any moment ---

# A torn line, as after a power failure.
printf '{"seq":' >>"$work/audit.jsonl"
rounds=50
[ "$SANITIZED" = no ] || rounds=10
for ((round = 1; round <= rounds; round++)); do
    agent_start
    for i in {1..8}; do
        seq 1000000 | hintsign mint pingone --subjects-from - >"$work/killed.$round.$i" 2>/dev/null &
        clients[i]=$!
    done
    for i in {1..8}; do wait_for 20 test -s "$work/killed.$round.$i"; done
    sleep "0.0$((RANDOM % 10))"
    kill -KILL "$agent_pid"
    wait "$agent_pid" 2>/dev/null
    agent_pid=
    wait "${clients[@]}"
    [ $((round % 2)) = 0 ] && sync=always || sync=interval
    sed -i "s/\"sync\": \"[a-z]*\"/\"sync\": \"$sync\"/" "$work/agent.json"
done
like "$(cat "$work/agent.log")" 'ended with 7 bytes of an unfinished line, which were removed' \
    'a torn line is removed'
agent_start
verify "$work"/killed.*
runs 0 '... as hintsign-audit finds it' hintsign-audit verify "$work/audit.jsonl"
is "$(find "$work" -name 'killed.*' -size +0 | wc -l)" $((8 * rounds)) "$rounds times kill -9 under load"
agent_stop

# --- the administrators' side, in a log of their own ---

rm "$work/audit.jsonl" "$work/audit-state"

# events: the types of the records since the last start, without decisions.
events() {
    sed -n 's/.*"type":"\([a-z_]*\)".*/\1/p' "$work/audit.jsonl" | tac | sed '/^start$/q' | tac |
        grep -v '^mint$' | xargs
}

profile_pingone pingone acme
agent_start
is "$(events)" 'start token_state key_set' 'a start'
like "$(grep '"type":"start"' "$work/audit.jsonl" | tail -n 1)" \
    "\"configuration_sha256\":\"$(sha256sum <"$work/agent.json" | cut -d' ' -f1)\"" '... with the hash of agent.json'
like "$(grep '"type":"start"' "$work/audit.jsonl" | tail -n 1)" \
    "\{\"name\":\"pingone\",\"sha256\":\"$(sha256sum <"$work/profiles.d/pingone.json" | cut -d' ' -f1)\"\}" \
    '... and of each profile'
agent_reload
wait_for 20 eval '[[ $(events) == *reload ]]'
is "$(events)" 'start token_state key_set reload' 'a reload'
key_import another "$(random_hex 32)"
echo '{' >"$work/profiles.d/broken.json"
agent_reload
wait_for 20 eval '[[ $(events) == *reload\ reload ]]'
like "$(grep '"type":"reload"' "$work/audit.jsonl" | tail -n 1)" '"configuration":2,"error":"' \
    'a reload that fails'
rm "$work/profiles.d/broken.json"
agent_reload
wait_for 20 eval '[[ $(events) == *reload\ *reload\ *reload ]]'
is "$(events)" 'start token_state key_set reload reload key_set reload' 'a new key'
agent_stop
is "$(events)" 'start token_state key_set reload reload key_set reload stop' 'the end'
mv "$work/pin" "$work/right-pin"
echo wrong >"$work/pin"
agent_launch
wait_for 20 eval '[[ $(events) == *token_state ]]'
is "$(events)" 'start login_failed token_state' 'a wrong PIN'
like "$(grep '"type":"login_failed"' "$work/audit.jsonl")" '"token":"a","error":"C_Login: CKR_PIN_INCORRECT"' \
    '... is recorded, not the PIN'
agent_stop
verify
done_testing
