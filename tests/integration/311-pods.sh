#!/usr/bin/env bash
# An agent in one PID and user namespace, an application in another, and one folder that both see:
# as with containers whose pods have users of their own (doc/kubernetes.md).
. "$(dirname "$0")/lib.sh"
need softhsm2-util setpriv unshare nsenter
[ "$(id -u)" = 0 ] || skip_all 'two users need root'

# Ids that nobody has: whom the host sees.
agent_id=47000
application=47001
shared=$work/shared

# pod UID COMMAND...: in namespaces of its own, in which that user is root.
pod() {
    local uid=$1
    shift
    exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
        unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc "$@"
}
(pod "$agent_id" hintsign-agent --version) >/dev/null 2>&1 ||
    skip_all 'no namespaces can be made, or others cannot read the build folder'

# In the pod of the shop. Of all the test's files it sees the folder of its listener.
as_shop() (
    # shellcheck disable=SC2016
    pod "$application" sh -c \
        'mount --bind "$1" /mnt && mount -o remount,bind,ro /mnt && mount -t tmpfs none "$2" && cd / && shift 2 && exec "$@"' \
        - "$shared/shop" "$work" env HINTSIGN_SOCKET=/mnt/agent.sock "$@"
)

# profile NAME ALLOW
profile() {
    profile_pingone "$1" acme "[ $2 ]"
}

# denied NAME COMMAND...
denied() {
    runs 1 "$@"
    is "$(cat "$work/stderr")" \
        'hintsign: NotAllowed: There is no such profile that you may use.' '... as is said'
}

last_record() {
    tail -n 1 "$work/audit.jsonl"
}

token_create
key_import acme "$(random_hex 32)"
profile shop '{ "listener": "shop" }'
profile bank '{ "listener": "bank" }'
profile root '{ "user": "root" }'
profile uid "{ \"uid\": $application }"
profile agent "{ \"uid\": $agent_id }"
profile group '{ "group": "root" }'
profile gid "{ \"gid\": $application }"
profile unit '{ "unit": "shop.service" }'
profile both '{ "listener": "shop", "user": "root" }'
agent_config '"description": "in a pod"'
for name in shop bank; do
    mkdir -p "$shared/$name" && chmod 755 "$shared" "$shared/$name"
    sed -i "s|\"listeners\": \[|& { \"name\": \"$name\", \"path\": \"$shared/$name/agent.sock\", \"mode\": \"0666\" },|" \
        "$work/agent.json"
done
chown -R "$agent_id:$agent_id" "$work"
chmod 711 "$work"
program=$(command -v hintsign-agent)
hintsign-agent() {
    pod "$agent_id" "$program" "$@"
}
agent_start
inner=$(cat "/proc/$agent_pid/task/$agent_pid/children") inner=${inner% }

runs 0 'the application sees' as_shop ls -A /mnt "$work"
is "$(cat "$work/stdout")" "/mnt:
agent.sock

$work:" '... the folder of its listener alone'

runs 0 'shop: the rule by listener serves it' as_shop hintsign mint shop --subject bob
like "$(cat "$work/stdout")" '^eyJ' '... with a token'
like "$(last_record)" '"listener":"shop",.*"profile":"shop"' '... which is recorded with the listener'
unlike "$(last_record)" '"(uid|gid|pid|unit)":' '... and without ids, which mean nothing here'

runs 1 'it cannot take the socket away' as_shop rm /mnt/agent.sock
like "$(cat "$work/stderr")" 'Read-only' '... as the folder is read-only there'

for name in bank root uid agent group gid unit both nothing; do
    denied "$name: no other rule does" as_shop hintsign mint "$name" --subject bob
    like "$(last_record)" "\"listener\":\"shop\",.*\"profile\":\"$name\".*\"error\":" '... and recorded'
done
runs 0 'the application is told of its profiles' as_shop hintsign profiles
is "$(grep -oE '^(shop|bank|root|uid|agent|group|gid|unit|both)\>' "$work/stdout")" shop '... and no others'

# The containers of one pod share its users, but not their processes.
beside=(nsenter --target "$inner" --user --setuid 0 --setgid 0)
runs 0 'root: one of the same pod, by its user' "${beside[@]}" hintsign mint root --subject bob
unlike "$(last_record)" '"(pid|unit)":' '... but it has no process here'
denied 'unit: not one of the same pod' "${beside[@]}" hintsign mint unit --subject bob

kill -TERM "$inner"
agent_ends 0
done_testing
