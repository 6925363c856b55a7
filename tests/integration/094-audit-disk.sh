#!/usr/bin/env bash
# The audit log on disks that fail: no token without a record, and all goes on when they do. And how
# often the disk is asked to sync.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
disk=$top_builddir/tests/modules/.libs/disk.so
[ -e "$disk" ] || skip_all 'the preloaded module is not built'
export DISK_FOLDER=$work/disk DISK_SCRIPT=$work/script

# config SYNC: the log and its state below DISK_FOLDER.
config() {
    agent_config
    sed -i "s|\"state_dir\": \"$work\"|\"state_dir\": \"$DISK_FOLDER\"|
        s|\"path\": \"$work/audit.jsonl\"|\"path\": \"$log\", \"sync\": \"$1\"|" "$work/agent.json"
}

# The agent alone has the disk.
start() {
    LD_PRELOAD=$disk ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" hintsign-agent \
        --config "$work/agent.json" </dev/null >>"$work/agent.out" 2>>"$work/agent.log" &
    agent_pid=$!
    wait_for 20 hintsign status --ready || bail_out 'the agent is not ready'
}

verify() {
    runs 0 "$1" hintsign-audit verify "${@:2}"
}

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
mkdir "$DISK_FOLDER"
log=$DISK_FOLDER/audit.jsonl

# --- it fails ---

# fails NAME SCRIPT: no tokens while the script is there, and tokens when it is gone.
fails() {
    echo "$2" >"$DISK_SCRIPT"
    wait_for 20 is_unavailable
    seq 100 | hintsign mint acme --subjects-from - >"$work/given" 2>/dev/null
    is "$? $(grep -c . "$work/given")" '4 0' "$1: no token"
    runs 4 '... the agent is not ready' hintsign status --ready
    rm "$DISK_SCRIPT"
    runs 0 '... and is again, by itself' hintsign status --ready --wait 20
    runs 0 '... a token' hintsign mint acme --subject bob
    cat "$work/stdout" >>"$work/minted"
}

is_unavailable() {
    hintsign mint acme --subject bob >>"$work/minted" 2>/dev/null
    [ $? = 4 ]
}

for sync in always interval; do
    config "$sync"
    start
    fails "sync $sync, a read-only file system" "fail $(python3 -c 'import errno; print(errno.EROFS)')"
    fails "sync $sync, a full disk" "fail $(python3 -c 'import errno; print(errno.ENOSPC)')"
    fails "sync $sync, a disk that loses what it was given" unsynced
    agent_stop
    verify '... the log verifies' "$log"
done
python3 "$top_srcdir/tests/integration/audit_chain.py" "$log" "$work/minted" >"$work/tap"
include_tap <"$work/tap"

# --- the log is removed ---

config always
start
cp "$log" "$work/removed"
rm "$log"
runs 4 'the log was removed: no token' hintsign mint acme --subject bob
like "$(cat "$work/agent.log")" 'ERROR: audit: cannot write the log: No such file or directory; ' '... as is said'
# Root alone may look into the agent.
fd=$(find "/proc/$agent_pid/fd" -lname "$log (deleted)" 2>/dev/null)
[ -z "$fd" ] || cat "$fd" >"$work/removed"
agent_stop
cp "$work/removed" "$log"
start
runs 0 'it was put back: a token' hintsign mint acme --subject bob
agent_stop
verify '... the log verifies' "$log"

# --- a file system that is remounted while we serve ---

name='a file system that has become read-only'
if [ "$(id -u)" = 0 ] && command -v mkfs.ext4 >/dev/null &&
    unshare -m --propagation private true 2>/dev/null; then
    cat >"$work/remount.sh" <<'END'
set -u
truncate -s 16M "$work/image" && mkfs.ext4 -q "$work/image" && mkdir "$work/mnt" &&
    mount -o loop "$work/image" "$work/mnt" || exit 77
sed "s|\"path\": \"[^\"]*\"\(, \"sync\"\)|\"path\": \"$work/mnt/audit.jsonl\"\1|
     s|\"state_dir\": \"[^\"]*\"|\"state_dir\": \"$work/mnt\"|" "$work/agent.json" >"$work/mnt.json"
hintsign-agent --config "$work/mnt.json" </dev/null >"$work/mnt.log" 2>&1 &
agent=$!
hintsign status --ready --wait 20 >/dev/null && hintsign mint acme --subject bob >/dev/null || exit 1
mount -o remount,abort "$work/mnt" || exit 77
hintsign mint acme --subject bob >"$work/given" 2>"$work/stderr"
echo "$? $(grep -c . "$work/given")" >"$work/mnt.result"
kill "$agent"
wait "$agent"
umount "$work/mnt"
END
    status=0
    work=$work unshare -m --propagation private bash "$work/remount.sh" >"$work/remount.log" 2>&1 || status=$?
    if [ "$status" = 77 ]; then
        skip "$name" 'no loop device can be mounted'
    else
        is "$(cat "$work/mnt.result" 2>&1)" '4 0' "$name: no token"
        like "$(cat "$work/mnt.log")" 'ERROR: audit: cannot write the log: ' '... as is said'
    fi
else
    skip "$name" 'needs root, mkfs.ext4 and a mount namespace'
fi

# --- killed at each step to a new file ---

# Whoever is dead and not waited for is a zombie.
is_running() {
    grep -qs '^State:[[:space:]]*[^Z]' "/proc/$agent_pid/status"
}

rotations() {
    grep -c 'the old log is' "$work/agent.log"
}

has_ended_or_rotated() {
    ! is_running || [ "$(rotations)" -gt "$before" ]
}

config always
start
for ((step = 1; step <= 30; step++)); do
    hintsign mint acme --subject bob >>"$work/minted"
    before=$(rotations)
    echo "kill $step" >"$DISK_SCRIPT"
    kill -USR1 "$agent_pid"
    wait_for 20 has_ended_or_rotated
    rm "$DISK_SCRIPT"
    # It may also have been killed just after.
    hintsign mint acme --subject bob >>"$work/minted" 2>/dev/null && break
    wait "$agent_pid" 2>/dev/null
    agent_pid=
    start
done
is "$((step > 7 && step <= 30))" 1 "killed before each of $((step - 1)) steps"
hintsign mint acme --subject bob >>"$work/minted"
agent_stop
mapfile -t files < <(ls "$log".2*)
verify "... all ${#files[@]} files and the last one are one chain" "${files[@]}" "$log"
cat "${files[@]}" "$log" >"$work/all"
python3 "$top_srcdir/tests/integration/audit_chain.py" "$work/all" "$work/minted" >"$work/tap"
include_tap <"$work/tap"

# --- how often it is asked to sync ---

cat >"$work/load.py" <<'END'
"""load.py CONNECTIONS DEPTH ROUNDS: each connection sends DEPTH requests at once, and again when all
are answered."""
import json, os, selectors, socket, sys

connections, depth, rounds = map(int, sys.argv[1:])
request = json.dumps({"method": "io.hintsign.Agent.Mint",
                      "parameters": {"profile": "acme", "claims": {"sub": "bob"}}}).encode() + b"\0"
selector = selectors.DefaultSelector()
for _ in range(connections):
    client = socket.socket(socket.AF_UNIX)
    client.connect(os.environ["HINTSIGN_SOCKET"])
    client.sendall(request * depth)
    selector.register(client, selectors.EVENT_READ, {"left": depth, "rounds": rounds - 1})
while selector.get_map():
    for key, _ in selector.select():
        data = key.fileobj.recv(1 << 20)
        assert data and b'"error"' not in data, data[:300]
        key.data["left"] -= data.count(b"\0")
        if key.data["left"]:
            continue
        if key.data["rounds"] == 0:
            selector.unregister(key.fileobj)
            continue
        key.data["rounds"] -= 1
        key.data["left"] = depth
        key.fileobj.sendall(request * depth)
END

# records_per_sync LEAST NAME CONNECTIONS DEPTH ROUNDS
records_per_sync() {
    local before
    rm -f "$DISK_SCRIPT.syncs"
    before=$(wc -l <"$log")
    runs 0 "$2" python3 "$work/load.py" "$3" "$4" "$5"
    local records=$(($(wc -l <"$log") - before)) syncs
    syncs=$(stat -c %s "$DISK_SCRIPT.syncs")
    diag "$records records with $syncs syncs"
    is "$((records >= $1 * syncs))" 1 "... at least $1 records a sync"
}

echo 'slow 5' >"$DISK_SCRIPT"
start
records_per_sync 48 'one client, 64 deep' 1 64 50
records_per_sync 6 '64 clients' 64 1 20
rm "$DISK_SCRIPT"
agent_stop

# --- a disk that has lost lines, and says so once ---

rm "$log"* "$DISK_FOLDER/audit-state"
config interval
start
runs 0 'lines that a disk loses within the second that it has' hintsign mint acme --subject bob
echo lose >"$DISK_SCRIPT"
wait_for 20 is_unavailable
rm "$DISK_SCRIPT"
agent_log_has 'ERROR: audit: the disk has lost lines behind number [0-9]*: nothing is given out any more'
is $? 0 '... and then seems to work again: the log says that they are lost'
runs 4 '... and there are no tokens' hintsign status --ready --wait 3
agent_stop
start
runs 0 'the next one goes on where the log is whole' hintsign mint acme --subject bob
agent_stop
verify '... which verifies' "$log"
done_testing
