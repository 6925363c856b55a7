#!/usr/bin/env bash
# A caller who may have nothing and asks for much: the log stays small, and others are served.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config
sed -i 's/"0600"/"0666"/' "$work/agent.json"
chmod 711 "$work" # root's stranger has another uid
agent_start

flood() {
    timeout 200 python3 "$top_srcdir/tests/integration/floods.py" "$work/audit.jsonl" "$@" \
        >"$work/tap" 2>"$work/stderr"
    is $? 0 "the flood comes: $*"
    [ ! -s "$work/stderr" ] || diag "$(cat "$work/stderr")"
    include_tap <"$work/tap"
}

flood many
flood last
agent_stop
flood after
python3 "$top_srcdir/tests/integration/audit_chain.py" "$work/audit.jsonl" >"$work/tap"
include_tap <"$work/tap"
done_testing
