#!/usr/bin/env bash
# A module that hangs while it is loaded or recovered, and then fails or goes on.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util
hasty=$top_builddir/tests/modules/.libs/hasty.so
[ -e "$hasty" ] || skip_all 'the fast clock is not built'

keys='one two three four five'
token_create
for key in $keys; do
    key_import "$key" "$(random_hex 32)"
    profile_pingone "$key"
done
faulty_token
agent_config

# called FUNCTION TIMES
called() {
    [ "$(calls "$1")" -ge "$2" ]
}

# launch COMMAND: with a clock three times as fast.
launch() {
    HASTE=3 preloaded "$hasty" "$1"
}

# hangs [TOKEN]
hangs() {
    hintsign status | grep -qE "token +${1:-a} +down: (a call of its module hangs|module .*/faulty.so hangs while it is loaded)"
}

all_mint() {
    local key
    for key in $keys; do
        hintsign mint "$key" --subject bob || return
    done
}

# --- while it is loaded, initialised or asked for its slots; then that fails ---

# Another module waits until that one is loaded.
one=$tokens_json
tokens_json+=', { "name": "n", "uri": "pkcs11:token=n?module-path=/nonexistent.so" }'
agent_config
script 'C_GetFunctionList hang 1'
launch agent_launch
runs 0 'a module that hangs while it is loaded: another one waits' wait_for 10 hangs n
script ''
runs 0 '... until it is loaded: tokens' wait_for 3 all_mint
agent_log_has 'token a: down: module .*/faulty.so hangs while it is loaded'
is $? 0 '... and the log has named it'
agent_stop

tokens_json=$one
agent_config
for call in C_GetFunctionList C_Initialize C_GetSlotList; do
    script "$call hang 1"
    launch agent_launch
    runs 0 "$call hangs: the token is down" wait_for 10 hangs
    script "$call 0x05 1000"
    runs 0 '... and then it fails, again and again' wait_for 10 called "$call" $(($(calls "$call") + 5))
    script ''
    runs 0 '... until it does not: tokens' wait_for 3 all_mint
    agent_stop
done

# --- while the keys give their known answers ---

script ''
launch agent_start
script 'C_SignInit 0x101 until C_Login' 'C_Sign slow 3 1' 'C_Sign hang 1'
hintsign mint one --subject bob >"$work/hung" 2>&1 &
client=$!
runs 0 'the fourth known answer hangs: the token is down' wait_for 10 hangs
script ''
runs 0 '... and then comes: all keys are there' wait_for 3 all_mint
wait "$client"
runs 0 '... and stay' hintsign status --ready
agent_stop
done_testing
