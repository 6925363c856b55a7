#!/usr/bin/env bash
# Two modules: one hangs and the other one serves, also one that recovers while a reload waits; both
# hang, and the process ends to be started anew.
# HINTSIGN_HASTE says how fast the agent's clock runs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3
remote_works || skip_all 'p11-kit-client.so or p11-kit is not installed'
hasty=$top_builddir/tests/modules/.libs/hasty.so
[ -e "$hasty" ] || skip_all 'the fast clock is not built'
export HASTE=${HINTSIGN_HASTE:-5}

configuration() {
    hintsign status | sed -n 's/^agent .* configuration \([0-9]*\)$/\1/p'
}

has_searched() {
    [ "$(calls C_FindObjectsInit)" -gt "$1" ]
}

now() {
    date +%s%3N
}

# Token a hangs by script, token r with its server.
hang() {
    case $1 in
    a) script '* hang 1000' ;;
    r) server_freeze ;;
    esac
}

go_on() {
    case $1 in
    a) script '' ;;
    r) server_thaw ;;
    esac
}

# clients_start PROFILE: eight that ask without an end, for one token at a time.
clients_start() {
    rm -f "$work/enough"
    for i in {1..8}; do
        while [ -d "$work" ] && [ ! -e "$work/enough" ]; do
            hintsign mint "$1" --subject "$i" --timeout 60
        done >"$work/clients.$i" 2>&1 &
        clients[i]=$!
    done
    wait_for 20 test -s "$work/clients.8"
}

clients_stop() {
    : >"$work/enough"
    for i in {1..8}; do wait "${clients[i]}"; done
}

token_create
remote_create hints-r
both=$(random_hex 32)
key_import a "$(random_hex 32)"
key_import both "$both"
remote_import r "$(random_hex 32)"
remote_import both "$both"
for name in a r both; do profile_pingone $name; done
faulty_token
tokens_json+=", { \"name\": \"r\", \"uri\": \"$remote_uri\" }"
server_start
agent_config '"workers": 4'

# --- one of them ---

preloaded "$hasty" agent_start
for one in a r; do
    other=$([ $one = a ] && echo r || echo a)
    clients_start both
    hang $one
    within 2000 "token $one hangs: the status is told" hintsign status
    within 2000 '... the other one serves' mints $other
    hintsign mint $one --subject bob --timeout 60 >"$work/hung" 2>&1 &
    own=$!
    runs 0 '... it is down' wait_for 12 is_state down $one
    within 2000 '... the other one serves still' mints $other
    within 2000 '... also a key that has a home on both' mints both
    go_on $one
    within 3000 'it hangs no more: its own keys serve' wait_for 10 mints $one
    clients_stop
    wait $own
    is "$(cat "$work"/clients.* | grep -v '^eyJ')" '' 'no request for a key with two homes has failed'
done

# --- both ---

begin=$(now)
hang a
hang r
for name in a r both a r both; do hintsign mint $name --subject bob --timeout 60 & clients+=($!); done \
    >"$work/hung" 2>&1
within 2000 'both hang: the status is told' hintsign status
runs 0 '... both are down' wait_for 12 eval 'is_state down a && is_state down r'
within 2000 '... the status is told still' hintsign status
within 2000 '... and which profiles there are' hintsign profiles
runs 4 '... a token is refused' mints both
like "$(cat "$work/stderr")" '^hintsign: TokenUnavailable: ' '... as unavailable'
agent_ends 70
# It looks once a second, by the clock on the wall.
took=$(($(now) - begin))
is "$((took < 30000 / HASTE + 3000))" 1 "... in time ($took ms, with a clock $HASTE times as fast)"
for client in "${clients[@]}"; do wait "$client"; done
go_on a
go_on r
rm -f "$HINTSIGN_SOCKET"
preloaded "$hasty" agent_start
for name in a r both; do runs 0 "the next one serves: $name" mints $name; done
agent_stop

# --- a reload waits for one of them, and the other one recovers ---

# By the clock on the wall: r is given up after five seconds.
key_import late "$(random_hex 32)"
rm -f "$HINTSIGN_SOCKET"
agent_start
profile_pingone late
before=$(calls C_FindObjectsInit)
server_freeze
kill -HUP "$agent_pid"
wait_for 10 has_searched "$before"
script 'C_SignInit 0x30 until C_Initialize'
within 3000 'token r hangs in a reload, token a recovers: it serves' mints a
is "$(configuration)" 1 '... under the configuration in force'
server_thaw
runs 0 'r hangs no more: the next configuration is in force' wait_for 20 eval '[ "$(configuration)" = 2 ]'
for name in a r both late; do runs 0 "... and serves: $name" wait_for 3 mints $name; done
agent_stop
done_testing
