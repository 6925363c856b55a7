#!/usr/bin/env bash
# Many failures under load: nobody gets a wrong token, and nothing is left behind.
# HINTSIGN_KILLS and HINTSIGN_STORM (seconds) make it longer.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3
kills=${HINTSIGN_KILLS:-4}
storm=${HINTSIGN_STORM:-6}

profile() {
    profile_write "$1" <<JSON
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=$1", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": $allow_me }
JSON
}

state() {
    hintsign status | awk -v name="$1" '$1 == "token" && $2 == name { sub(":", "", $3); print $3 }'
}

is_state() {
    [ "$(state "$2")" = "$1" ]
}

mints() {
    hintsign mint "$1" --subject bob
}

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
neighbour=$(random_hex 32)
key_import both "$secret"
key_import other "$neighbour"
local_tokens=$tokens_json
profile both

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

# --- everything at once ---

profile other
export FAULTY_MODULE=$module FAULTY_SCRIPT=$work/script
tokens_json="{ \"name\": \"a\", \"uri\": \"$(module=$top_builddir/tests/fault/.libs/faulty.so token_uri)\" }"
: >"$FAULTY_SCRIPT"
agent_config
agent_start

script() {
    printf '%s\n' "$@" >"$work/script.new"
    mv "$work/script.new" "$FAULTY_SCRIPT"
}

faults=('C_SignInit 0xb3 5' 'C_Sign 0x05 3' 'C_SignInit 0x101 until C_Login' 'C_SignInit 0x60 3'
    'C_Sign 0x30 until C_Initialize' '* 0x32 until C_Finalize' 'C_Sign short 2' 'C_Sign 0x80001234 4'
    'C_Sign slow 20 20' 'C_OpenSession 0xb1 5' 'C_Login 0x05 1' 'C_FindObjects 0x30 1'
    'C_GetAttributeValue 0x05 2' 'sessions 2' handles-change absent)

# count fd|task: its descriptors or threads.
count() {
    find "/proc/$agent_pid/$1" -mindepth 1 -maxdepth 1 | wc -l
}

no_more() {
    [ "$(count fd)" -le "$descriptors" ] && [ "$(count task)" -le "$threads" ]
}

memory() {
    awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"
}

# Everything that can be open is.
fill() {
    for i in {1..8}; do
        seq 100 | hintsign mint both --subjects-from - >/dev/null 2>&1 &
        clients[i]=$!
    done
    for i in {1..8}; do wait "${clients[i]}"; done
}

fill
descriptors=$(count fd)
threads=$(count task)
memory_before=$(memory)
rm -f "$work/enough"
for i in 1 2 3; do
    while [ -d "$work" ] && [ ! -e "$work/enough" ]; do
        seq 20 | timeout 10 hintsign mint both --subjects-from -
        seq 20 | timeout 10 hintsign mint other --subjects-from - 2>&1 | sed 's/^/other /'
    done >"$work/storm.$i" 2>&1 &
    clients[i]=$!
done
python3 - "$HINTSIGN_SOCKET" "$work/enough" <<'PY' &
import os, random, socket, sys, time
call = b'{"method":"io.hintsign.Agent.Mint","parameters":{"profile":"both","claims":{"sub":"x"}}}\0'
while os.path.isdir(os.path.dirname(sys.argv[2])) and not os.path.exists(sys.argv[2]):
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(10)]
    for one in crowd:
        one.connect(sys.argv[1])
        one.settimeout(0.05)
        try:
            one.sendall(call * random.randint(1, 40) + call[:random.randint(0, 60)])
        except OSError:
            pass
    time.sleep(random.random() / 10)
    for one in crowd:
        one.close()
PY
clients[4]=$!
end=$((SECONDS + storm))
while [ "$SECONDS" -lt "$end" ]; do
    script "${faults[RANDOM % ${#faults[@]}]}" "${faults[RANDOM % ${#faults[@]}]}"
    [ $((RANDOM % 4)) -gt 0 ] || kill -HUP "$agent_pid"
    sleep "0.$((RANDOM % 4 + 1))"
done
script ''
runs 0 'after the storm it serves within 2 s' wait_for 2 mints both
: >"$work/enough"
for i in 1 2 3 4; do wait "${clients[i]}"; done
sed -n 's/^other //p' "$work"/storm.* >"$work/neighbour"
like "$(verify "$secret" "$work/storm.*")" '^[1-9][0-9]*$' '... each token is right'
like "$(verify "$neighbour" "$work/neighbour")" '^[1-9][0-9]*$' '... also those of the neighbour'
runs 0 'all is ready' hintsign status --ready --wait 3
fill
runs 0 "no more descriptors than before ($descriptors), nor threads ($threads)" wait_for 5 no_more
if [ "$SANITIZED" = no ]; then
    is "$(($(memory) < memory_before + 8192))" 1 "... and about as much memory ($memory_before, $(memory) kB)"
else
    skip '... and about as much memory' 'sanitizers keep what was freed'
fi
lines=$(grep -c . "$work/agent.log")
is "$((lines < 50 * (storm + 5)))" 1 "the log is no storm ($lines lines)"
agent_stop
python3 "$top_srcdir/tests/integration/audit_chain.py" "$work/audit.jsonl" >"$work/chain" 2>&1
include_tap <"$work/chain"
done_testing
