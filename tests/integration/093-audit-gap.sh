#!/usr/bin/env bash
# An audit log that has lost lines: nothing is given out until an administrator has accepted that.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

verify() {
    runs "$1" "$2" hintsign-audit verify "$work/audit.jsonl"
}

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config
agent_start
seq 20 | hintsign mint acme --subjects-from - >/dev/null
agent_stop
cp "$work/audit.jsonl" "$work/whole"
lines=$(wc -l <"$work/whole")

# behind WHAT: an agent that starts gives nothing out, says why, and leaves the log alone.
behind() {
    local before status
    before=$(sha256sum 2>/dev/null <"$work/audit.jsonl")
    rm -f "$work/agent.log"
    agent_launch
    runs 4 "$1: no token" hintsign mint acme --subject bob
    like "$(cat "$work/stderr")" '^hintsign: AuditUnavailable: ' '... as is said'
    runs 4 '... the agent is not ready' hintsign status --ready
    like "$(hintsign status)" $'\naudit   unavailable: the audit log has lost lines: it is behind the state\n' \
        '... the status says why'
    like "$(cat "$work/agent.log")" "ERROR: audit: $work/audit.jsonl is behind: line $lines is missing or was changed; nothing is given out before a start with --accept-log-gap" \
        '... so does the log'
    kill -USR1 "$agent_pid"
    agent_log_has '^ERROR: audit: cannot begin a new log'
    runs 0 'what needs no record works' hintsign profiles
    agent_stop
    [ -z "$before" ] || is "$(sha256sum <"$work/audit.jsonl")" "$before" '... the log is what it was'
}

head -n 10 "$work/whole" >"$work/audit.jsonl"
behind 'lines are missing'
: >"$work/audit.jsonl"
behind 'an empty log'
rm "$work/audit.jsonl"
behind 'no log'
sed "$lines s/\"prev\":\"./\"prev\":\"x/" "$work/whole" >"$work/audit.jsonl"
behind 'the last line was changed'

# --- what was missing comes back ---

cp "$work/whole" "$work/audit.jsonl"
agent_start
runs 0 'the log is back: a token' hintsign mint acme --subject bob
agent_stop
verify 0 '... the log verifies'

# --- what was missing is lost ---

lines=$(wc -l <"$work/audit.jsonl")
last=$(tail -n 1 "$work/audit.jsonl" | tr -d '\n' | sha256sum | cut -d' ' -f1)
head -n 12 "$work/whole" >"$work/audit.jsonl"
rm "$work/agent.log"
agent_start --accept-log-gap
like "$(sed -n 13p "$work/audit.jsonl")" \
    "^\{\"seq\":13,\"time\":\"[^\"]*\",\"type\":\"gap\",\"expected_seq\":$lines,\"expected_sha256\":\"$last\",\"found_seq\":12,\"prev\":" \
    'the gap is recorded'
runs 0 '... and there are tokens' hintsign mint acme --subject bob
agent_stop
verify 0 '... the chain goes on'
agent_start
runs 0 'the next start needs no option' hintsign mint acme --subject bob
agent_stop
agent_start --accept-log-gap
agent_stop
is "$(grep -c '"type":"gap"' "$work/audit.jsonl")" 1 'with nothing missing, the option says nothing'
for option in --check --print-policy; do
    runs 2 "--accept-log-gap with $option" hintsign-agent --config "$work/agent.json" --accept-log-gap "$option"
done

# --- the folder of the state ---

sed -i "s|\"state_dir\": \"$work\"|\"state_dir\": \"$work/nowhere\"|" "$work/agent.json"
runs 1 'no folder' timeout 20 hintsign-agent --config "$work/agent.json"
is "$(cat "$work/stderr")" "ERROR: state_dir: $work/nowhere/audit-state: No such file or directory" '... is said'
done_testing
