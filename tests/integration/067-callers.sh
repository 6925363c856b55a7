#!/usr/bin/env bash
# Callers by systemd unit, from other namespaces, exited, and with the number of another.
. "$(dirname "$0")/lib.sh"
need softhsm2-util setpriv unshare nsenter python3
[ "$(id -u)" = 0 ] || skip_all 'callers with other ids need root'
[ ! -d /run/systemd/system ] || skip_all 'the cgroups are those of a running systemd'
no_pidfd=$top_builddir/tests/modules/.libs/no_pidfd.so
[ -e "$no_pidfd" ] || skip_all 'the preloaded module is not built'

# Ids that nobody has.
agent_id=47000
bob=47001
shop=$work/shop.sock

# --- cgroups, where systemd would have made them ---

cgroup_root() {
    local root type
    for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        type=$(stat -f -c %T "$root" 2>/dev/null)
        [ "$type" = cgroupfs ] || [ "$type" = cgroup2fs ] || continue
        mkdir -p "$root/system.slice" 2>/dev/null && echo "$root" && return
    done
    return 1
}
root=$(cgroup_root) || skip_all 'no cgroup can be made'
unit=hintsign-test-$$.service
folders=()
finish() {
    local i
    cleanup
    for ((i = ${#folders[@]} - 1; i >= 0; i--)); do rmdir "${folders[i]}"; done
    rmdir "$root/system.slice" "$root"/user.slice{/user-$bob.slice{/user@$bob.service{/system.slice,},},}
} 2>/dev/null
trap finish EXIT
# cgroup PATH: makes it below the root.
cgroup() {
    mkdir -p "$root/$1" && folders+=("$root/$1")
}
cgroup "system.slice/$unit"
cgroup "system.slice/$unit/worker"
cgroup "system.slice/system-hintsign\\x2dtest$$.slice"
cgroup "system.slice/system-hintsign\\x2dtest$$.slice/hintsign-test-$$@7.service"
cgroup "user.slice/user-$bob.slice/user@$bob.service/system.slice/$unit"
[ -e "$root/system.slice/$unit/cgroup.procs" ] || skip_all 'no cgroup can be made'

preload=(env "LD_PRELOAD=$no_pidfd" "ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0")
drop=(setpriv --reuid "$agent_id" --regid "$agent_id" --clear-groups)

# as UID COMMAND...
as() {
    local uid=$1
    shift
    setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}
as "$agent_id" hintsign-agent --version >/dev/null 2>&1 &&
    as "$bob" hintsign --version >/dev/null 2>&1 ||
    skip_all 'others cannot read the build folder'

# within CGROUP COMMAND...: in a process of its own; "-" for none.
within() (
    [ "$1" = - ] || echo "$BASHPID" >"$root/$1/cgroup.procs"
    shift
    "$@"
)

# may|may_not PROFILE CGROUP WHAT [COMMAND...]: as bob. COMMAND is what runs hintsign.
may() {
    local profile=$1 cgroup=$2 what=$3
    shift 3
    runs 0 "$profile: $what" within "$cgroup" as "$bob" "$@" hintsign mint "$profile" --subject bob
}
may_not() {
    local profile=$1 cgroup=$2 what=$3
    shift 3
    runs 1 "$profile: not $what" within "$cgroup" as "$bob" "$@" hintsign mint "$profile" --subject bob
    is "$(cat "$work/stderr")" \
        'hintsign: NotAllowed: There is no such profile that you may use.' '... as is said'
}

# profile NAME ALLOW
profile() {
    profile_pingone "$1" acme "$2"
}

# config [MEMBERS]
config() {
    agent_config "\"description\": \"callers\"${1:+, $1}"
    sed -i "s|\"mode\": \"0600\" }|\"mode\": \"0666\" }, { \"name\": \"shop\", \"path\": \"$shop\", \"mode\": \"0666\" }|" \
        "$work/agent.json"
    chown -R "$agent_id:$agent_id" "$work"
    chmod 711 "$work"
}

last_record() {
    tail -n 1 "$work/audit.jsonl"
}

token_create
key_import acme "$(random_hex 32)"
profile unit "[ { \"unit\": \"$unit\" } ]"
profile instance "[ { \"unit\": \"hintsign-test-$$@7.service\" } ]"
profile unit-bob "[ { \"unit\": \"$unit\", \"uid\": $bob } ]"
profile unit-root "[ { \"unit\": \"$unit\", \"user\": \"root\" } ]"
profile unit-or-bob "[ { \"unit\": \"$unit\" }, { \"uid\": $bob } ]"
profile bob "[ { \"uid\": $bob } ]"
profile bobs-group "[ { \"gid\": $bob } ]"
profile root '[ { "uid": 0 } ]'
profile shop '[ { "listener": "shop" } ]'
config
program=$(command -v hintsign-agent)

# --- units, and where callers may come from ---

hintsign-agent() {
    exec "${drop[@]}" "$program" "$@"
}
agent_start
status=$(as "$bob" hintsign status --json)
pidfds=$(sed -n 's/.*"peer_pid": *"\([^"]*\)".*/\1/p' <<<"$status")
if [ "$pidfds" != pidfd ]; then
    like "$status" 'SO_PEERPIDFD' 'the kernel has no pidfds of sockets, and the status says so'
    skip 'callers by unit' 'the kernel is older than Linux 6.5'
    agent_stop
    done_testing
    exit 0
fi
ok 'callers are known by pidfd'
may unit "system.slice/$unit" 'a process of the unit'
like "$(last_record)" "\"uid\":$bob,\"gid\":$bob,\"pid\":[0-9]+,\"unit\":\"$unit\",\"config" \
    '... and its record has the unit'
may unit "system.slice/$unit/worker" 'one below'
may_not unit - 'one of no unit'
unlike "$(last_record)" '"unit":' '... and its record has none'
may_not unit "system.slice/system-hintsign\\x2dtest$$.slice/hintsign-test-$$@7.service" 'one of another unit'
may_not unit "user.slice/user-$bob.slice/user@$bob.service/system.slice/$unit" \
    'one of a unit that its user has made'
may instance "system.slice/system-hintsign\\x2dtest$$.slice/hintsign-test-$$@7.service" \
    'a process of an instance, in a slice'
may unit-bob "system.slice/$unit" 'bob in the unit'
may_not unit-bob - 'bob elsewhere'
may_not unit-root "system.slice/$unit" 'bob in the unit'
may unit "system.slice/$unit" 'from a PID namespace below' unshare --user --map-root-user --pid --fork
may_not root - 'root of a user namespace of bob' unshare --user --map-root-user
may bobs-group - 'bob'
may bob - 'bob in a user namespace of his own' unshare --user --map-root-user
may unit-bob "system.slice/$unit" 'bob in a user namespace of his own, in the unit' \
    unshare --user --map-root-user

# --- who has exited when the agent looks ---

# absent PID CGROUP [--reuse] PROFILE...: what the agent with that PID says.
absent() {
    local pid=$1 enter=() caller
    shift
    [ "$pid" = "$agent_pid" ] || enter=(nsenter --target "$pid" --pid --mount)
    rm -f "$work/ready"
    kill -STOP "$pid"
    "${enter[@]}" python3 "$top_srcdir/tests/integration/callers.py" "$bob" "$1" "$work/ready" \
        "${@:2}" >"$work/absent" 2>&1 &
    caller=$!
    wait_for 20 test -e "$work/ready"
    kill -CONT "$pid"
    wait "$caller"
    paste -sd, "$work/absent"
}
is "$(absent "$agent_pid" "$root/system.slice/$unit" unit unit-bob bob unit-or-bob)" \
    'unit NotAllowed,unit-bob NotAllowed,bob token,unit-or-bob token' \
    'a caller that has exited is of no unit, but has his uid'
like "$(last_record)" "\"uid\":$bob,\"gid\":$bob,\"pid\":[0-9]+,\"config" '... as the record says'
agent_stop

# --- an agent in a PID namespace of its own: numbers can be had again there ---

# namespace_start PROGRAM...: its agent; sets `inner`.
namespace_start() {
    local command=("$@")
    hintsign-agent() {
        exec unshare --pid --fork --kill-child --mount-proc "${drop[@]}" "${command[@]}" "$@"
    }
    agent_start
    inner=$(cat "/proc/$agent_pid/task/$agent_pid/children") inner=${inner% }
}
namespace_stop() {
    kill -TERM "$inner"
    agent_ends 0
}
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    namespace_start "$program"
    may_not unit "system.slice/$unit" 'one from another PID namespace'
    unlike "$(last_record)" '"(pid|unit)":' '... whose record has no pid'
    may bob - 'one from another PID namespace, by uid'
    may_not bobs-group - 'one from another PID namespace, by group'
    runs 0 'unit: one from the same' within "system.slice/$unit" \
        nsenter --target "$inner" --pid --mount "${drop[@]/#$agent_id/$bob}" \
        hintsign mint unit --subject bob
    is "$(absent "$inner" "$root/system.slice/$unit" --reuse unit unit-bob bob)" \
        'unit NotAllowed,unit-bob NotAllowed,bob token' \
        'another process that has got his number since is not taken for the caller'
    unlike "$(last_record)" '"unit":' '... nor recorded'
    namespace_stop

    config '"peer_pid": "best-effort"'
    namespace_start "${preload[@]}" "$program"
    is "$(absent "$inner" "$root/system.slice/$unit" --reuse unit bob)" 'unit token,bob token' \
        'best effort takes it for him'
    namespace_stop
else
    skip 'an agent in a PID namespace of its own' 'no PID namespace can be made'
fi

# --- where units cannot be told ---

# blind CGROUP REASON COMMAND...: an agent that COMMAND runs.
blind() {
    local cgroup=$1 reason=$2 command=("${@:3}")
    hintsign-agent() {
        [ "$cgroup" = - ] || echo "$BASHPID" >"$root/$cgroup/cgroup.procs"
        exec "${command[@]}" "$program" "$@"
    }
    : >"$work/agent.log"
    agent_start
    may_not unit "system.slice/$unit" "a process of the unit: $reason"
    may unit-or-bob "system.slice/$unit" 'bob, by the other rule'
    within - as "$bob" hintsign status >"$work/status"
    like "$(grep ^callers "$work/status")" "^callers peer_pid  none: .*$reason" '... as the status says'
    like "$(grep unit-or-bob "$work/status")" 'ready: its rules by unit match nobody' \
        '... also of the profile'
    is "$(grep -c "^ERROR: profile .*: its rules by unit match nobody: .*$reason" "$work/agent.log")" \
        5 '... and the log of all of them'
    agent_stop
}
config
blind - 'the kernel has no SO_PEERPIDFD' "${drop[@]}" "${preload[@]}"
if unshare --mount mount -t proc -o hidepid=2 proc /proc 2>/dev/null; then
    blind - '/proc hides the processes of others' unshare --mount \
        sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' - "${drop[@]}"
else
    skip 'an agent that sees no processes' '/proc cannot be mounted'
fi
if within "system.slice/$unit" unshare --cgroup grep -q ':/\.\.' /proc/1/cgroup; then
    blind "system.slice/$unit" 'a cgroup namespace of its own' unshare --cgroup "${drop[@]}"
else
    skip 'an agent in a cgroup namespace' 'none can be made'
fi

config '"peer_pid": "best-effort"'
hintsign-agent() {
    exec "${drop[@]}" "${preload[@]}" "$program" "$@"
}
: >"$work/agent.log"
agent_start
may unit "system.slice/$unit" 'a process of the unit, by best effort'
may_not unit - 'one of no unit'
like "$(as "$bob" hintsign status)" 'callers peer_pid  best-effort' '... as the status says'
like "$(cat "$work/agent.log")" 'WARNING: .*peer_pid is best-effort' '... and the log'
agent_stop

# --- an agent in a user namespace of its own ---

if unshare --user --map-root-user "$program" --version >/dev/null 2>&1; then
    hintsign-agent() {
        exec unshare --user --map-root-user "$program" "$@"
    }
    config
    chown -R 0:0 "$work"
    agent_start
    for name in unit bob unit-or-bob root nothing; do
        may_not "$name" "system.slice/$unit" 'one whose ids mean nothing'
        like "$(last_record)" '"listener":"default","pid":.*"error":"Unidentified"' \
            '... and the record says why'
        unlike "$(last_record)" '"[ug]id":' '... without ids'
    done
    may shop "system.slice/$unit" 'one whose ids mean nothing' env "HINTSIGN_SOCKET=$shop"
    agent_stop
else
    skip 'an agent in a user namespace of its own' 'no user namespace can be made'
fi
done_testing
