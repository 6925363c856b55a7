#!/usr/bin/env bash
# The agent's life: listeners, an orderly end, a violent one, and never two of them at once.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
key_import acme "$(random_hex 32)"
for listener in default shop; do
    profile_write "$listener" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ],
  "allow": [ { "listener": "$listener" } ] }
END
done

# Root can give a socket to any group, others to their own.
group=$(getent group | awk -F: -v gid="$(id -g)" -v uid="$(id -u)" \
    '(uid == 0) != ($3 == gid) { print $1; exit }')

# config SOCKET AUDIT [STATE]: two listeners, SOCKET and SOCKET.shop.
config() {
    cat >"$work/agent.json" <<END
{ "version": 1,
  "listeners": [ { "name": "default", "path": "$1", "mode": "0600" },
                 { "name": "shop", "path": "$1.shop", "mode": "0666"
                   $([ -z "$group" ] || echo ", \"group\": \"$group\"") } ],
  "admin_socket": "$1.admin",
  "tokens": [ $tokens_json ], "profiles_dir": "$work/profiles.d", "state_dir": "${3:-$work}",
  "audit": { "path": "$2" } }
END
}
config "$HINTSIGN_SOCKET" "$work/audit.jsonl"
shop=$HINTSIGN_SOCKET.shop

# --- listeners ---

# Whoever listens there is dead: the file stays, as after a crash.
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$shop"
agent_start
ok 'a socket that was left behind is replaced'
is "$(stat -c '%a %G' "$shop")" "666 ${group:-UNKNOWN}" 'mode and group of a listener'
is "$(stat -c %a "$HINTSIGN_SOCKET")" 600 'the mode of the other'
runs 0 'one listener mints' hintsign mint default --subject bob
runs 0 '... and so does the other' hintsign --socket "$shop" mint shop --subject bob
runs 1 'each has its own profiles' hintsign mint shop --subject bob
like "$(cat "$work/stderr")" '^hintsign: NotAllowed: ' '... and no others'

# --- one agent at a time ---

cp "$work/agent.json" "$work/first.json"
mkdir "$work/second"
config "$HINTSIGN_SOCKET" "$work/second/log" "$work/second"
runs 1 'another agent on the same socket' timeout 20 hintsign-agent --config "$work/agent.json"
like "$(cat "$work/stderr")" "ERROR: listener default: $HINTSIGN_SOCKET: in use, or not a socket" \
    '... is refused'
config "$work/other.sock" "$work/second/other"
runs 1 'another agent with the same state' timeout 20 hintsign-agent --config "$work/agent.json"
is "$(cat "$work/stderr")" "ERROR: state_dir: $work/audit-state: another agent uses it" \
    '... is refused'
config "$work/other.sock" "$work/audit.jsonl"
runs 1 'another agent on the same audit log' timeout 20 hintsign-agent --config "$work/agent.json"
is "$(cat "$work/stderr")" "ERROR: $work/audit.jsonl: another agent writes this audit log" \
    '... is refused'
is "$(ls "$work"/other.sock* 2>/dev/null)" '' '... and leaves no socket behind'
echo precious >"$work/file"
config "$work/file" "$work/second/log" "$work/second"
runs 1 'a listener whose path is a file' timeout 20 hintsign-agent --config "$work/agent.json"
is "$(cat "$work/file")" precious '... does not remove it'
runs 0 'the first agent did not notice' hintsign mint default --subject bob
cp "$work/first.json" "$work/agent.json"

# --- the end ---

SOCKET_OPEN=$work/open python3 - >"$work/tap" <<'END' &
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
with Client() as client:
    ok(client.call(AGENT + "GetStatus"), "a connection that stays open")
    open(os.environ["SOCKET_OPEN"], "w").close()
    equal(client.read(), None, "... sees the end of the agent")
END
client=$!
wait_for 20 test -e "$work/open"
agent_stop
wait "$client"
include_tap <"$work/tap"
is "$(ls "$HINTSIGN_SOCKET" "$shop" 2>/dev/null)" '' 'the sockets are gone'
like "$(tail -n 1 "$work/agent.log")" '^stopping$' 'the log says that it stopped'

agent_start
kill -INT "$agent_pid"
agent_ends 0

agent_start
runs 0 'a token before the crash' hintsign mint default --subject bob
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
agent_pid=
is "$(ls "$HINTSIGN_SOCKET")" "$HINTSIGN_SOCKET" 'kill -9 leaves the socket'
runs 3 'nobody answers on it' hintsign mint default --subject bob
agent_start
runs 0 'the next agent serves' hintsign mint default --subject bob
is "$(grep -c '"seq":' "$work/audit.jsonl")" \
    "$(tail -n 1 "$work/audit.jsonl" | sed 's/^{"seq":\([0-9]*\),.*/\1/')" \
    'and counts its records on'

# Without standard descriptors, no file of the agent's takes their place: modules print there.
agent_stop
hintsign-agent --config "$work/agent.json" <&- >&- 2>&- &
agent_pid=$!
wait_for 20 agent_answers
if descriptors=$(readlink "/proc/$agent_pid/fd/"{0,1,2}); then
    is "$(uniq <<<"$descriptors")" /dev/null 'closed standard descriptors are filled'
else
    skip 'closed standard descriptors are filled' 'only root can look into the agent'
fi
agent_stop
agent_start

# SIGTERM while requests are under way: each is answered, or the connection ends before it.
for i in 1 2 3 4; do
    seq 100000 | timeout 60 hintsign mint default --subjects-from - >"$work/out.$i" 2>"$work/err.$i" &
    clients[i]=$!
done
wait_for 20 test -s "$work/out.1"
agent_stop
wait "${clients[@]}"
is "$(grep -vE '^(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43})?$' "$work"/out.*)" '' \
    'SIGTERM under load: nobody gets half a token'
is "$(cat "$work"/out.* | grep -c . | xargs -I{} test {} -le "$(grep -c token_sha256 "$work/audit.jsonl")" &&
    echo yes)" yes 'and every token has its record'

# Threads that have nothing to do sleep, also after a thousand lines of a log without checkpoints.
cpu_ticks() {
    cut -d' ' -f14,15 "/proc/$agent_pid/stat" | tr ' ' '+'
}
agent_start
seq 1200 | hintsign mint default --subjects-from - >"$work/minted"
is "$(wc -l <"$work/minted")" 1200 'twelve hundred tokens'
sleep 2 # until the log is on disk
before=$(cpu_ticks)
sleep 1
ticks=$(($(cpu_ticks) - ($before)))
if [ "$ticks" -lt 20 ]; then ok 'then the agent sleeps'; else not_ok 'then the agent sleeps' "$ticks ticks of a hundred"; fi
agent_stop
done_testing
