#!/usr/bin/env bash
# Everything goes wrong at once: nobody gets a wrong token, and nothing is left behind.
# HINTSIGN_STORM says for how many seconds, HINTSIGN_SEED which storm (make storm SECONDS=1800).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3
need_python 'import jwt; jwt.PyJWK' 'PyJWT (python3-jwt)'
remote_works || skip_all 'p11-kit-client.so or p11-kit is not installed'
storm=${HINTSIGN_STORM:-10}
seed=${HINTSIGN_SEED:-$(random_hex 4)}

# assertion NAME ALGORITHM
assertion() {
    profile_write "$1" <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=$1", "algorithm": "$2",
  "verify": "always", "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": $allow_me }
END
}

# Token a misbehaves, and b, in a module of its own, does not.
token_create
remote_create hints-b
declare -A secrets
for name in near both far; do secrets[$name]=$(random_hex 32); done
for name in near both; do key_import $name "${secrets[$name]}"; done
for name in both far; do remote_import $name "${secrets[$name]}"; done
key_generate pair rsa:2048
key_generate curve ec:P-256
printf '{"near":"%s","both":"%s","far":"%s"}' "${secrets[near]}" "${secrets[both]}" "${secrets[far]}" \
    >"$work/secrets.json"
for name in near both far; do profile_pingone $name; done
assertion pair RS256
assertion curve ES256
faulty_token '"max_sessions": 4'
tokens_json+=", { \"name\": \"b\", \"uri\": \"$remote_uri\" }"
server_start
# A connection that waits for a worker must not be taken for a slow reader: longer than any hang here.
agent_config '"workers": 8,
  "limits": { "connections_per_uid": 300, "receive_timeout": 2, "send_timeout": 10 }'
agent_start

include_tap < <("$python" "$top_srcdir/tests/integration/storm.py" "$storm" "$seed" "$agent_pid" "$work" 2>&1)
runs 0 'the storm has ended' wait $!
runs 0 'all is ready' hintsign status --ready --wait 3
lines=$(grep -c . "$work/agent.log")
is "$((lines < 50 * (storm + 5)))" 1 "the log is no storm ($lines lines)"
agent_stop
is "$(pgrep -f "$work/agent.json")" '' 'no agent is left'
mapfile -t files < <(ls "$work"/audit.jsonl.2* 2>/dev/null)
runs 0 "the audit log verifies (${#files[@]} files and the last)" \
    hintsign-audit verify "${files[@]}" "$work/audit.jsonl"
cat "${files[@]}" "$work/audit.jsonl" >"$work/all"
python3 "$top_srcdir/tests/integration/audit_chain.py" "$work/all" "$work/minted" >"$work/tap" 2>&1
include_tap <"$work/tap"
done_testing
