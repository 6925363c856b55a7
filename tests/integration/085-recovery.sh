#!/usr/bin/env bash
# Tokens that go away and come back, PINs that are wrong, and too few sessions.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util setsid python3

# next_agent: the files of the one before are put away.
next_agent() {
    agent_stop
    rm -f "$work/agent.log"
}

token_create
secret=$(random_hex 32)
key_import acme "$secret"
key_import victim "$(random_hex 32)"
profile_pingone acme
profile_pingone victim

# --- a key that goes ---

agent_config
agent_start
runs 0 'a key that is there' mints victim
hintsign-key delete --token "$(token_uri)" --label victim --yes >"$work/delete.log" 2>&1 ||
    bail_out "$(cat "$work/delete.log")"
runs 4 'the same when it was deleted' mints victim
like "$(cat "$work/stderr")" '^hintsign: KeyUnavailable: ' '... is unavailable'
is "$(state)" up '... the token is not'
runs 0 '... and others mint' mints acme
rm "$work/profiles.d/victim.json"
next_agent

# --- sessions ---

agent_config '"workers": 16'
sed -i 's/"name": "a"/"name": "a", "max_sessions": 1/' "$work/agent.json"
agent_start
for i in {1..8}; do
    seq 400 | hintsign mint acme --subjects-from - >"$work/out.$i" 2>"$work/err.$i" &
    clients[i]=$!
done
failed=0
for i in {1..8}; do
    wait "${clients[i]}" || failed=$((failed + 1))
done
is "$failed" 0 'one session, 16 workers and 8 clients: no request fails'
is "$(cat "$work"/out.* | grep -c '^eyJ')" 3200 '... and each gets its token'
next_agent

# --- one library under two names ---

one_token=$tokens_json
ln -s "$module" "$work/other-name.so"
tokens_json+=", { \"name\": \"b\", \"uri\": \"$(module=$work/other-name.so token_uri)\" }"
agent_config
agent_launch
wait_for 10 eval 'hintsign status | grep -q "are the same module: name it alike"'
like "$(hintsign status)" 'are the same module: name it alike' 'a module that has two names is said so'
is "$(hintsign status | grep -c '^token .* up')" 1 '... and one of them serves alone'
next_agent
tokens_json=$one_token

# --- a device that is switched off and on ---

if remote_works; then
    remote_create hints-r
    remote_import acme "$secret"
    local_tokens=$tokens_json
    tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\" }"
    agent_config

    agent_launch
    is "$(state r)" down 'a token that is not there when the agent starts'
    runs 4 '... does not mint' mints acme
    like "$(cat "$work/stderr")" '^hintsign: TokenUnavailable: ' '... as is said'
    server_start
    runs 0 'it comes up by itself' wait_for 10 is_state up r
    runs 0 '... and mints' mints acme
    server_kill
    start=$(date +%s%N)
    runs 4 'it is switched off: no token' mints acme
    like "$(cat "$work/stderr")" '^hintsign: TokenUnavailable: ' '... as is said'
    is "$(($(date +%s%N) - start < 5000000000))" 1 '... soon'
    is "$(state r)" down '... and the token is down'
    server_start
    runs 0 'it is switched on again: tokens' wait_for 10 mints acme
    is "$(state r)" up '... and the token is up'

    # Under load, several times: whoever asks gets a token or is told that there is none now.
    for i in 1 2 3; do
        until [ -e "$work/enough" ] || [ ! -d "$work" ]; do
            mints acme
            echo $?
        done >"$work/mints.$i" 2>&1 &
        clients[i]=$!
    done
    for i in 1 2 3; do
        server_kill
        wait_for 10 is_state down r
        server_start
        wait_for 10 is_state up r
    done
    : >"$work/enough"
    for i in 1 2 3; do wait "${clients[i]}"; done
    is "$(grep -hvE '^(0|4|eyJ.*|hintsign: TokenUnavailable: .*)$' "$work"/mints.*)" '' \
        'three times under load: tokens and TokenUnavailable, nothing else'
    is "$(grep -hA1 '^eyJ' "$work"/mints.* | grep -c '^4')" 0 '... each with its exit status'
    runs 0 'in the end there are tokens' wait_for 10 mints acme
    next_agent

    # --- a key with two homes ---

    tokens_json+=", $local_tokens"
    agent_config
    agent_start
    rm -f "$work/enough"
    until [ -e "$work/enough" ] || [ ! -d "$work" ]; do mints acme; done >"$work/failover" 2>&1 &
    clients[1]=$!
    wait_for 10 test -s "$work/failover"
    server_kill
    wait_for 10 is_state down r
    runs 0 'one of its two tokens goes' mints acme
    server_start
    wait_for 10 is_state up r
    : >"$work/enough"
    wait "${clients[1]}"
    is "$(grep -vc '^eyJ' "$work/failover")" 0 'no request fails when it goes nor when it comes'
    next_agent
    server_kill
    tokens_json=$local_tokens
else
    skip 'a device that is switched off and on' 'p11-kit-client.so or p11-kit is not installed'
fi

# --- PINs ---

spy=$(find /usr/lib /usr/lib64 -name pkcs11-spy.so 2>/dev/null | head -n 1)
if [ -n "$spy" ]; then
    export PKCS11SPY=$module PKCS11SPY_OUTPUT=$work/spy.log
    ASAN_OPTIONS+=:detect_leaks=0 # the spy leaks
    tokens_json=$(sed "s|module-path=[^&]*|module-path=$spy|; s|$work/pin|$work/agent-pin|" \
        <<<"$tokens_json")
    agent_config
else
    skip 'every call is counted' 'pkcs11-spy.so is not installed'
fi

# logins NUMBER NAME
logins() {
    if [ -n "$spy" ]; then
        is "$(grep -c ': C_Login$' "$work/spy.log")" "$1" "$2"
        : >"$work/spy.log"
    fi
}
cp "$work/pin" "$work/agent-pin"
agent_start
logins 1 'the right PIN: one login'
next_agent
echo wrong >"$work/agent-pin"
agent_launch
is "$(state)" locked 'a wrong PIN'
like "$(hintsign status)" 'token +a +locked: C_Login: CKR_PIN_INCORRECT' '... is said so'
runs 4 '... no token' mints acme
like "$(cat "$work/stderr")" '^hintsign: Locked: ' '... but that error'
before=$(hintsign status | sed -n 's/.* configuration //p')
kill -HUP "$agent_pid"
wait_for 10 eval "hintsign status | grep -q 'configuration $((before + 1))'"
mints acme >/dev/null 2>&1
logins 1 '... and it is tried once'
next_agent
for pin in wrong "$(cat "$work/pin")"; do
    echo "$pin" >"$work/agent-pin"
    agent_launch
    is "$(state)" locked 'the next agent'
    like "$(hintsign status)" 'CKF_USER_PIN_COUNT_LOW.*not trying' '... does not try'
    logins 0 '... with no login'
    next_agent
done
if command -v pkcs11-tool >/dev/null; then
    agent_launch
    is "$(state)" locked 'an agent that has not tried'
    runs 0 'a person logs in' pkcs11-tool --module "$module" --token-label hints-a --login \
        --pin "$(cat "$work/pin")" --list-objects
    kill -HUP "$agent_pid"
    runs 0 '... and after SIGHUP the token is up' wait_for 10 is_state up
    agent_stop
else
    skip 'a person logs in' 'pkcs11-tool is not installed'
fi
done_testing
