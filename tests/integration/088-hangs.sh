#!/usr/bin/env bash
# Calls that hang: the others are served, and a process that nothing can save ends.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util
remote_works || skip_all 'p11-kit-client.so or p11-kit is not installed'
hasty=$top_builddir/tests/modules/.libs/hasty.so

is_busy() {
    hintsign status --format openmetrics | grep -q '^hintsign_workers_busy 2$'
}

refused() {
    ! mints "$1" && grep -q TokenUnavailable "$work/stderr"
}

# Clients that want more than there are workers for, and wait long enough to see the end.
hang_clients() {
    for i in {1..10}; do
        hintsign mint far --subject bob --timeout 60 >"$work/hung.$i" 2>&1 &
        clients[i]=$!
    done
}

# connect_until FILE: connects every few milliseconds until the file is there, and a second longer.
connect_until() {
    python3 - "$HINTSIGN_SOCKET" "$1" <<'END'
import os, socket, sys, time
count = failed = 0
end = time.monotonic() + 60
seen = False
while time.monotonic() < end:
    if not seen and os.path.exists(sys.argv[2]):
        seen, end = True, time.monotonic() + 1
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(sys.argv[1])
            count += 1
        except OSError:
            failed += 1
    time.sleep(0.005)
print(f"{count} connections, {failed} failed")
END
}

token_create
both=$(random_hex 32)
key_import near "$(random_hex 32)"
key_import both "$both"
remote_create hints-r
remote_import far "$(random_hex 32)"
remote_import both "$both"
for name in near far both; do profile_pingone $name; done
tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\" }, $tokens_json"
server_start
agent_config '"workers": 4'
agent_start
runs 0 'a token that answers' mints far

# --- it hangs and comes back ---

server_freeze
hang_clients
within 5000 'all workers hang: the status is told' hintsign status
within 5000 'the token of another module serves' mints near
runs 0 'the module that hangs is down' wait_for 12 is_state down r
like "$(hintsign status)" 'token +r +down: a call of its module hangs' '... as is said'
like "$(hintsign status --format openmetrics)" "module=\"$client_module\",rung=\"process\"\} 1" '... and counted'
within 2000 'the others serve' mints near
within 2000 '... also a key that has a home on both' mints both
within 2000 'its own keys are refused at once' refused far
server_thaw
runs 0 'it serves again when the calls come back' wait_for 3 mints far
statuses=
for i in {1..10}; do
    wait "${clients[i]}"
    statuses+=" $?"
done
like "$statuses" '^( [04])+$' 'all clients had an answer'
is "$(grep -LE '^eyJ|Overloaded|TokenUnavailable' "$work"/hung.*)" '' '... a token or why not'
runs 0 'all is ready' hintsign status --ready --wait 3
is "$(grep -c 'token r: down' "$work/agent.log")" 1 'one line told that it was down'
agent_stop

# --- it never comes back ---

if [ -e "$hasty" ]; then
    HASTE=5 preloaded "$hasty" agent_start
    server_freeze
    hang_clients
    for i in {1..10}; do wait "${clients[i]}"; done
    agent_ends 70
    like "$(cat "$work/agent.log")" 'a call has hung for 30 seconds' '... and says why'
    server_thaw
    rm -f "$HINTSIGN_SOCKET"
    agent_start
    runs 0 'the next one serves' mints far
    agent_stop

    # Stopped for longer than a call or a reload may take, by a clock twice as fast, and not by the
    # module.
    rm -f "$HINTSIGN_SOCKET"
    HASTE=2 preloaded "$hasty" agent_start
    agent_config '"workers": 5'
    : >"$work/agent.log"
    server_freeze
    kill -HUP "$agent_pid"
    runs 0 'a reload is under way' wait_for 10 grep -q 'workers: changed' "$work/agent.log"
    hintsign mint far --subject bob --timeout 60 >"$work/stopped" 2>&1 &
    client=$!
    runs 0 '... and a call' wait_for 10 is_busy
    kill -STOP "$agent_pid"
    sleep 5.2
    kill -CONT "$agent_pid"
    runs 0 '... while the agent was stopped: it answers' hintsign status
    like "$(cat "$work/stdout")" 'token +r +up' '... and does not say that the call hangs'
    server_thaw
    runs 0 '... which ends well' wait $client
    runs 0 '... as the reload does' wait_for 10 grep -q 'configuration 2: ' "$work/agent.log"
    is "$(grep 'configuration 2: ' "$work/agent.log")" 'configuration 2: 3 of 3 profiles are ready' '... which has waited for the keys'
    agent_stop
    agent_config '"workers": 4'

    # A service manager holds the socket and starts the next one: nobody is turned away meanwhile.
    ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" \
        python3 "$top_srcdir/tests/integration/supervise.py" "$HINTSIGN_SOCKET" "$work/statuses" \
        env LD_PRELOAD="$hasty" HASTE=5 hintsign-agent --config "$work/agent.json" </dev/null >>"$work/agent.out" 2>>"$work/agent.log" &
    agent_pid=$!
    wait_for 20 agent_answers
    runs 0 'an agent on a socket of the service manager' mints far
    server_freeze
    hang_clients
    connect_until "$work/statuses" >"$work/connects"
    is "$(cat "$work/statuses")" 70 'it ends when a call has hung for half a minute'
    server_thaw
    for i in {1..10}; do wait "${clients[i]}"; done
    runs 0 'the next one serves again' wait_for 10 mints far
    like "$(cat "$work/connects")" '^[1-9][0-9]* connections, 0 failed$' 'and no connect has failed'
    agent_stop
else
    skip 'a call never comes back' 'the fast clock is not built'
fi
done_testing
