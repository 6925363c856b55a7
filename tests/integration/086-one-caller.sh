#!/usr/bin/env bash
# A module that bears no second caller: one thread at a time is inside, signers and reloads alike.
. "$(dirname "$0")/lib.sh"
need softhsm2-util
lonely=$top_builddir/tests/modules/.libs/lonely.so
[ -e "$lonely" ] || skip_all 'tests/modules/lonely is not built'

token_create
for i in {1..4}; do key_import "key$i" "$(random_hex 32)"; done
for i in {1..4}; do profile_pingone "p$i" "key$i"; done
token_through "$lonely"
export LONELY_MODULE=$module

is_configuration() {
    hintsign status | grep -q "configuration $1\$"
}

# Long subjects, so that few of them wait in the pipe when it is enough.
sign_and_reload() {
    agent_config
    agent_start
    rm -f "$work/enough" "$work"/out.*
    for i in 1 2 3 4; do
        while [ -d "$work" ] && [ ! -e "$work/enough" ]; do seq -f "$(printf 'x%.0s' {1..900})%g" 20 || break; done |
            hintsign mint "p$i" --subjects-from - >"$work/out.$i" 2>"$work/err.$i" &
        clients[i]=$!
    done
    wait_for 20 test -s "$work/out.1"
    for i in {2..4}; do
        kill -HUP "$agent_pid"
        wait_for 20 is_configuration "$i" || bail_out 'the agent does not reload'
    done
    ok "$1: reloads among signatures"
    : >"$work/enough"
    for i in 1 2 3 4; do
        runs 0 "client $i gets its tokens" wait "${clients[i]}"
    done
    agent_stop
}

sign_and_reload 'a module that says that it cannot lock'
# Some say that they can, and cannot (doc/operations.md).
export LONELY_BOASTS=yes
token_through "$lonely" '"max_sessions": 1'
sign_and_reload 'one that does not say so, with one session'
done_testing
