#!/usr/bin/env bash
# A wrong PIN: how often the module sees it, also across reloads and restarts.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
faulty_token
cp "$work/pin" "$work/good"
uri="pkcs11:token=hints-a?module-path=$faulty_module"

# wrong N NAME: the module has seen so many logins.
tried() {
    is "$(calls C_Login)" "$1" "$2: logins: $1"
}

# --- a PIN file that is wrong ---

echo wrong >"$work/pin"
tokens_json="{ \"name\": \"a\", \"uri\": \"$uri&pin-source=file:$work/pin\" }"
agent_config
agent_launch
is "$(state a)" locked 'a wrong PIN file'
tried 1 'at the start'
runs 0 'reload' hintsign reload
tried 1 'after a reload'
runs 4 'a mint' hintsign mint acme --subject bob
tried 1 'after a request'
agent_stop
agent_launch
is "$(state a)" locked 'the next process'
tried 1 'by the next process'
cp "$work/good" "$work/pin"
runs 0 'reload with the right file' hintsign reload
is "$(state a)" locked '... tries none while the token counts'
tried 1 'with a corrected file'
runs 0 'unlock --no-pin' hintsign unlock a --no-pin
tried 2 'by hand'
runs 0 '... and it mints' hintsign mint acme --subject bob
agent_stop

# --- a token that does not tell that it counts ---

echo wrong >"$work/pin"
script 'C_Login 0xa0 2' # the token itself sees none
: >"$FAULTY_SCRIPT.calls"
# told N NAME: beyond what was told before, the log and the audit log tell of so many failed logins.
told() {
    is "$(($(grep -c 'token a: locked: C_Login: ' "$work/agent.log") - logged)) $(($(
        grep -c '"type":"login_failed"' "$work/audit.jsonl") - recorded))" "$1 $1" "$2: told: $1"
}
logged=$(grep -c 'token a: locked: C_Login: ' "$work/agent.log")
recorded=$(grep -c '"type":"login_failed"' "$work/audit.jsonl")
agent_launch
is "$(state a)" locked 'a wrong PIN file, with a token that does not count'
tried 1 'at the start'
told 1 'at the start'
echo worse >"$work/pin"
runs 0 'reload with another wrong file' hintsign reload
tried 2 'with another wrong file'
told 2 'with another wrong file'
runs 0 'reload' hintsign reload
tried 2 'after a reload'
told 2 'after a reload'
cp "$work/good" "$work/pin"
runs 0 'reload with the right file' hintsign reload
tried 3 'with a corrected file'
is "$(state a)" up '... which unlocks it'
agent_stop

# --- a token that counts, however we meet it ---

# meet FLAGS LOGINS NAME: the token shows the flags: reload, absence and restart try no PIN.
meet() {
    local flags=$1 round
    for round in 1 2 3; do
        hintsign reload >"$work/reload.log" 2>&1
        script absent
        hintsign reload >"$work/reload.log" 2>&1
        runs 0 "$3: the token goes, time $round" wait_for 10 is_state down
        script "token-flags $flags"
        runs 0 '... and is locked when it comes back' wait_for 10 is_state locked
        runs 4 '... and mints nothing' hintsign mint acme --subject bob
        agent_stop
        agent_launch
        is "$(state a)" locked '... so is it for the next process'
    done
    tried "$2" "$3: three reloads, absences and restarts"
}

while read -r flags name; do
    echo wrong >"$work/pin"
    script 'C_Login 0xa0 1' # the token itself sees none
    : >"$FAULTY_SCRIPT.calls"
    agent_launch
    is "$(state a)" locked "$name: a wrong PIN file"
    script "token-flags $flags"
    meet "$flags" 1 "$name"
    cp "$work/good" "$work/pin"
    meet "$flags" 1 "$name, with a corrected file"
    like "$(hintsign status)" "$name" "$name: as is said"
    if [ "$name" = CKF_USER_PIN_LOCKED ]; then
        runs 1 "$name: unlock by hand" hintsign unlock a --no-pin
        like "$(cat "$work/stderr")" "LoginFailed: .*$name" '... is told why not'
        tried 1 '... without a try'
        script '' # its security officer has set a new PIN
        runs 0 '... reload, when it is locked no more' hintsign reload
    else
        runs 0 "$name: unlock by hand" hintsign unlock a --no-pin
    fi
    is "$(state a)" up '... brings it up'
    runs 0 '... and it mints' hintsign mint acme --subject bob
    tried 2 '... with one more'
    agent_stop
done <<'END'
0x10000 CKF_USER_PIN_COUNT_LOW
0x20000 CKF_USER_PIN_FINAL_TRY
0x40000 CKF_USER_PIN_LOCKED
END

# --- two names for one token ---

echo wrong >"$work/pin"
script 'C_Login 0xa0 1'
: >"$FAULTY_SCRIPT.calls"
tokens_json="{ \"name\": \"a\", \"uri\": \"$uri&pin-source=file:$work/pin\" },
  { \"name\": \"again\", \"uri\": \"$uri&pin-source=file:$work/good\" }"
agent_config
agent_launch
is "$(state a) $(state again)" 'locked down' 'a token that has two names'
like "$(hintsign status)" 'again +down: it is the same token as a' '... is told from another one'
tried 1 'for both'
agent_stop

# --- a device that waits for its PIN and never gives up ---

hasty=$top_builddir/tests/modules/.libs/hasty.so
if [ -e "$hasty" ]; then
    tokens_json="{ \"name\": \"a\", \"uri\": \"$uri\", \"login\": \"protected\" }"
    script 'C_Login hang 1'
    agent_config
    start=$(date +%s%3N)
    HASTE=50 preloaded "$hasty" agent_launch
    is "$(state a)" down 'a person may take his time'
    agent_ends 70
    took=$((($(date +%s%3N) - start) / 20))
    is "$((took > 300 && took < 630))" 1 "... but not for ever ($took s)"
    like "$(cat "$work/agent.log")" 'a call has hung for 30 seconds' '... as is said'
else
    skip 'a device that never gives up' 'the fast clock is not built'
fi
done_testing
