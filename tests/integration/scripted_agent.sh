# What tests of the command share: an agent that is a script, and what was asked and printed.
# Sourced after lib.sh, which ends the agent.
# shellcheck shell=bash

need python3
python3 "$(dirname "${BASH_SOURCE[0]}")/scripted_agent.py" "$HINTSIGN_SOCKET" "$work" 2>"$work/agent.log" &
agent_pid=$!
wait_for 20 test -S "$HINTSIGN_SOCKET" || bail_out 'the scripted agent does not start'

# asked: the parameters of the last request.
asked() {
    tail -n 1 "$work/requests" | sed 's/.*"parameters"://; s/}$//'
}

stdout() { cat "$work/stdout"; }
stderr() { cat "$work/stderr"; }

# fails STATUS TEXT COMMAND...: one line on standard error that begins so, and no output.
fails() {
    local status=$1 text=$2
    shift 2
    runs "$status" "status $status: ${*:1:6}" "$@"
    is "$(head -c ${#text} "$work/stderr")" "$text" "... $text"
    is "$(wc -l <"$work/stderr") $(wc -c <"$work/stdout")" '1 0' '... in one line, and nothing else'
}
