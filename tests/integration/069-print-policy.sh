#!/usr/bin/env bash
# --print-policy: who may have what minted, for access reviews.
. "$(dirname "$0")/lib.sh"
need sha256sum

# No token is needed for it, nor a module.
tokens_json='{ "name": "a", "uri": "pkcs11:token=nowhere?module-path=/nowhere.so" }'
# profile ALLOW
profile() {
    profile_pingone acme acme "$1"
}
profile '[ { "uid": 7 }, { "unit": "portal.service" } ]'
agent_config
runs 0 'prints' hintsign-agent --config "$work/agent.json" --print-policy
is "$(cat "$work/stderr")" '' '... and says nothing else'
cp "$work/stdout" "$work/first"
is "$(grep -c '^  allow ' "$work/first")" 2 'each entry of allow has its line'
is "sha256 $(head -n -1 "$work/first" | sha256sum | cut -d' ' -f1)" "$(tail -n 1 "$work/first")" \
    'the last line is the hash of all others'
is "$(hintsign-agent --config "$work/agent.json" --print-policy)" "$(cat "$work/first")" \
    'the same configuration gives the same'
mkdir "$work/moved"
mv "$work/profiles.d" "$work/moved"
sed "s|$work/profiles.d|$work/moved/profiles.d|" "$work/agent.json" >"$work/moved/agent.json"
is "$(hintsign-agent --config "$work/moved/agent.json" --print-policy)" "$(cat "$work/first")" \
    '... also elsewhere'
mv "$work/moved/profiles.d" "$work"
is "$(ls "$work"/audit.jsonl "$HINTSIGN_SOCKET" 2>/dev/null)" '' 'no log is opened, and no socket'

profile '[ { "uid": 8 }, { "unit": "portal.service" } ]'
runs 0 'prints another one' hintsign-agent --config "$work/agent.json" --print-policy
is "$(diff "$work/first" "$work/stdout" | grep -c '^>')" 2 'one entry and the hash differ'

profile '[ { "uid": "eight" } ]'
runs 1 'a mistake in a profile' hintsign-agent --config "$work/agent.json" --print-policy
is "$(cat "$work/stdout")" '' '... prints nothing'
like "$(cat "$work/stderr")" 'acme.json:2: allow\[0\].uid: must be an integer' '... but what it is'
profile '[ { "uid": 7 } ]'
runs 2 'not with --check' hintsign-agent --config "$work/agent.json" --print-policy --check
runs 1 'where it cannot be written' \
    sh -c "exec hintsign-agent --config '$work/agent.json' --print-policy >/dev/full"
done_testing
