#!/usr/bin/env bash
# Checkpoints of the audit log: signed in the token, said on standard error, verified elsewhere.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

# with_checkpoints LABEL: agent.json with this checkpoint key.
with_checkpoints() {
    agent_config
    sed -i "s|\"audit\": {|\"audit\": { \"checkpoint_key\": \"pkcs11:object=$1\",|" "$work/agent.json"
}

# The last checkpoint that was said, as SEQ:SHA256.
last_checkpoint() {
    sed -n 's/^audit: checkpoint //p' "$work/agent.log" | tail -n 1
}

checkpoints() {
    grep -c '"type":"checkpoint"' "$work/audit.jsonl"
}

has_checkpoints() {
    [ "$(checkpoints)" -ge "$1" ]
}

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme

# --- one natural algorithm a key ---

types=(ec:P-256=ES256 ec:P-521=ES512 rsa:2048=RS256)
# SoftHSM2 leaks with Ed25519.
[ "$SANITIZED" = yes ] || types+=(ed25519=EdDSA)
for type in "${types[@]}"; do
    rm -f "$work/audit.jsonl" "$work/audit-state" "$work/agent.log"
    key_generate "audit-${type%=*}" "${type%=*}"
    with_checkpoints "audit-${type%=*}"
    agent_start
    ok "$type: the agent starts"
    wait_for 20 has_checkpoints 1
    is "$(checkpoints)" 1 '... and signs at the start'
    like "$(grep '"type":"checkpoint"' "$work/audit.jsonl")" "\"alg\":\"${type#*=}\"" '... as the key does'
    runs 0 'jwks --audit' hintsign jwks --audit --output "$work/audit-keys.json"
    like "$(cat "$work/audit-keys.json")" "\"alg\":\"${type#*=}\"" '... has the key'
    agent_stop
    runs 0 'the log verifies' hintsign-audit verify --strict --keys "$work/audit-keys.json" \
        --expect "$(last_checkpoint)" "$work/audit.jsonl"
    like "$(cat "$work/stdout")" '2 checkpoints' '... with a checkpoint at the end'
done

# --- when ---

with_checkpoints audit-ec:P-256
rm "$work/audit.jsonl" "$work/audit-state" "$work/agent.log"
agent_start
seq 2500 | hintsign mint acme --subjects-from - >/dev/null
wait_for 20 has_checkpoints 3
ok 'one for every 1,000 lines' # one at the start, and two
covers=($(sed -n 's/.*"type":"checkpoint","covers":\([0-9]*\),.*/\1/p' "$work/audit.jsonl"))
is "$((covers[2] <= 2500 && covers[1] >= 1000))" 1 '... not more often'
before=$(checkpoints)
kill -USR1 "$agent_pid"
agent_log_has 'the old log is'
grep_first() { head -n 1 "$work/audit.jsonl" | grep -q '"type":"rotate"' && has_checkpoints 1; }
wait_for 20 grep_first
is $? 0 'a new file begins with its own line, and gets a checkpoint'
hintsign jwks --audit >"$work/audit-keys.json"
agent_stop
runs 0 'both files verify' hintsign-audit verify --strict --keys "$work/audit-keys.json" \
    --expect "$(last_checkpoint)" "$work"/audit.jsonl.2* "$work/audit.jsonl"
runs 1 'one of them is missing' hintsign-audit verify --keys "$work/audit-keys.json" \
    --expect "$(last_checkpoint)" "$work"/audit.jsonl.2*

# --- no key ---

hintsign-key delete --yes --token "$(token_uri)" --label audit-ec:P-256 >"$work/delete.log" 2>&1 ||
    bail_out "$(cat "$work/delete.log")"
rm "$work/agent.log"
agent_start
agent_log_has '^ERROR: audit: no checkpoint: no such key on token a; one is made when that has changed$'
is $? 0 'without its key there is no checkpoint'
runs 0 '... and minting goes on' hintsign mint acme --subject bob
runs 4 '... jwks --audit says so' hintsign jwks --audit
like "$(cat "$work/stderr")" '^hintsign: KeyUnavailable: ' '... as an error'
is "$(grep -c 'no checkpoint' "$work/agent.log")" 1 '... once'
hintsign-key generate --token "$(token_uri)" --label audit-ec:P-256 --type ec:P-256 >"$work/generate.log" 2>&1
agent_reload
agent_log_has '^audit: checkpoint '
is $? 0 'when the key is there, there is a checkpoint'
agent_stop

# --- a key that something else uses ---

profile_write hint <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=audit-ec%3AP-256", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "https://op.example" ], "lifetime": 60,
  "accept": { "sub": "string" }, "allow": $allow_me }
END
hintsign-key generate --token "$(token_uri)" --label hint --type ec:P-256 >"$work/generate.log" 2>&1
profile_write publisher <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=hint", "algorithm": "ES256",
  "publish": [ { "key": "pkcs11:object=audit-ec%3AP-256", "algorithm": "ES256" } ],
  "issuer": "https://discovery.example", "audiences": [ "https://op.example" ], "lifetime": 60,
  "accept": { "sub": "string" }, "allow": $allow_me }
END
rm "$work/agent.log"
agent_launch
agent_log_has '^ERROR: profile hint is not ready: '
is $? 0 'a profile with the key of the checkpoints is not ready'
agent_log_has '^ERROR: profile publisher is not ready: '
is $? 0 '... nor one that publishes it'
runs 4 '... they give nothing out' hintsign mint hint --claim sub=bob
runs 0 '... the others do' hintsign mint acme --subject bob
agent_log_has '^ERROR: audit: no checkpoint: '
is $? 0 '... and no checkpoint is signed with it'
runs 4 'it is not shown as the key of the log' hintsign jwks --audit
agent_stop

# --- none configured ---

rm "$work/profiles.d/hint.json" "$work/profiles.d/publisher.json"
agent_config
agent_start
runs 0 'without checkpoint_key' hintsign jwks --audit
is "$(cat "$work/stdout")" '{"keys":[]}' '... the set is empty'
runs 2 'jwks --audit takes no profile' hintsign jwks acme --audit
agent_stop
done_testing
