#!/usr/bin/env bash
# A device that is killed under load, again and again (HINTSIGN_KILLS).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3
kills=${HINTSIGN_KILLS:-4}

# Every line of the files that looks like a token must be one of the key; prints how many.
verify() {
    python3 - "$@" <<'PY'
import base64, glob, hashlib, hmac, sys
good = 0
for path in glob.glob(sys.argv[2]):
    for line in open(path):
        if not line.startswith("eyJ"):
            continue
        data, _, mac = line.strip().rpartition(".")
        wanted = hmac.new(sys.argv[1].encode(), data.encode(), hashlib.sha256).digest()
        if base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() != mac:
            sys.exit(f"{path}: {line}")
        good += 1
print(good)
PY
}

# clients_start NAME: eight of them ask for tokens of profile "both", one by one.
clients_start() {
    rm -f "$work/enough"
    for i in {1..8}; do
        while [ -d "$work" ] && [ ! -e "$work/enough" ]; do
            timeout 20 hintsign mint both --subject "$i"
            echo "$?"
        done >"$work/$1.$i" 2>&1 &
        clients[i]=$!
    done
    wait_for 20 test -s "$work/$1.1"
}

clients_stop() {
    : >"$work/enough"
    for i in {1..8}; do wait "${clients[i]}"; done
}

token_create
secret=$(random_hex 32)
key_import both "$secret"
local_tokens=$tokens_json
profile_pingone both

# One call at a time, because threads that wait in p11-kit-client for its server's answers are not
# all told when it dies in the middle of one. Then nothing helps but a new process (088).
if remote_works; then
    remote_create hints-r
    remote_import both "$secret"
    tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\", \"max_sessions\": 1 }"
    agent_config
    server_start
    agent_start
    clients_start alone
    late=0
    for ((i = 0; i < kills; i++)); do
        server_kill
        wait_for 10 is_state down r
        server_start
        wait_for 2 is_state up r || late=$((late + 1))
    done
    clients_stop
    is "$late" 0 "one token, killed $kills times under load: up again within 2 s"
    is "$(grep 'a call .* hang' "$work/agent.log")" '' '... no call hangs'
    is "$(grep -hvE '^(0|4|eyJ.*|hintsign: TokenUnavailable: .*)$' "$work"/alone.*)" '' \
        '... tokens and TokenUnavailable, nothing else'
    like "$(verify "$secret" "$work/alone.*")" '^[1-9][0-9]*$' '... and each token is right'
    agent_stop

    tokens_json+=", $local_tokens"
    agent_config
    agent_start
    clients_start two
    for ((i = 0; i < kills; i++)); do
        server_kill
        wait_for 10 is_state down r
        server_start
        wait_for 10 is_state up r
    done
    clients_stop
    is "$(grep -hvE '^(0|eyJ.*)$' "$work"/two.*)" '' 'with a second token no request fails'
    like "$(verify "$secret" "$work/two.*")" '^[1-9][0-9]*$' '... and each token is right'
    agent_stop
    server_kill
else
    skip 'a device that is killed under load' 'p11-kit-client.so or p11-kit is not installed'
fi
done_testing
