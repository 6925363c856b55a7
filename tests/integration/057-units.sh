#!/usr/bin/env bash
# The units for systemd: how exposed they leave the services, and that the agent works within them.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

units=$work/units
mkdir "$units"
for unit in hintsign-agent hintsign-fetch hintsign-metrics; do
    sed "s|@s*bindir@|$top_builddir|" "$top_srcdir/systemd/$unit.service.in" >"$units/$unit.service"
done
cp "$top_srcdir/systemd/hintsign-agent.socket" "$top_srcdir/systemd/hintsign-metrics.timer" "$units"

# --- exposure ---

# exposure LIMIT UNIT [DROP-IN]: in tenths.
exposure() {
    local folder=$work/${3:-plain}.$2
    mkdir -p "$folder/$2.d"
    cp "$units/$2" "$folder"
    [ -z "${3:-}" ] || cp "$top_srcdir/systemd/$3" "$folder/$2.d"
    runs 0 "$2${3:+ with $3}: exposure of at most $1 tenths" \
        systemd-analyze --no-pager security --offline=yes --threshold="$1" "$folder/$2"
    diag "$(tail -n 1 "$work/stdout" | tr -cd '[:print:]')"
}

if systemd-analyze --no-pager security --offline=yes "$units/hintsign-agent.service" >/dev/null 2>&1; then
    exposure 10 hintsign-agent.service
    exposure 16 hintsign-agent.service hsm-network.conf
    exposure 16 hintsign-agent.service hsm-localhost.conf
    exposure 16 hintsign-agent.service hsm-usb.conf
    exposure 15 hintsign-fetch.service
    exposure 10 hintsign-metrics.service
    like "$(systemd-analyze --no-pager security --offline=yes "$work/hsm-network.conf.hintsign-agent.service/hintsign-agent.service")" \
        '✗ PrivateNetwork=' 'the drop-in was looked at'
    [ -x "$top_builddir/hintsign-fetch" ] || rm "$units/hintsign-fetch.service"
    runs 0 'systemd understands every line' systemd-analyze verify --man=no "$units"/hintsign-*
    is "$(cat "$work/stderr")" '' '... and has nothing to say'
else
    skip 'exposure' 'systemd-analyze security --offline is not there'
fi
is "$(grep -E '^(PrivateUsers|ProtectProc)=' "$units/hintsign-agent.service")" '' \
    'nothing blinds the agent to its callers'

# --- users and folders ---

if [ "$(id -u)" = 0 ] && command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
    mkdir -p "$work/root/etc"
    runs 0 'the users are made' systemd-sysusers --root="$work/root" "$top_srcdir"/systemd/sysusers.d/hintsign{,-fetch}.conf
    runs 0 '... and the folders' systemd-tmpfiles --root="$work/root" --create "$top_srcdir"/systemd/tmpfiles.d/hintsign{,-fetch}.conf
    uid=$(awk -F: '$1 == "hintsign" { print $3 ":" $4 }' "$work/root/etc/passwd")
    is "$(stat -c '%u:%g %a' "$work/root/var/log/hintsign")" "$uid 700" 'the audit log is for the agent alone'
    like "$(cat "$work/root/etc/group")" 'hintsign:' 'there is a group for callers'
else
    skip 'users and folders' 'not root, or systemd-sysusers or systemd-tmpfiles is not installed'
fi

# --- within the unit ---

confined_id=47000
can_confine() {
    [ "$(id -u)" = 0 ] && [ "$SANITIZED" = no ] && command -v systemd-analyze >/dev/null &&
        "${CC:-cc}" --version >/dev/null 2>&1 && unshare --mount --net --ipc --uts true 2>/dev/null &&
        setpriv --reuid "$confined_id" --regid "$confined_id" --clear-groups test -x "$top_builddir/hintsign-agent"
}
if ! can_confine; then
    skip 'the agent within its unit' \
        'needs root, unshare, cc, systemd-analyze, a build without sanitizers in a folder that others can read'
    done_testing
    exit
fi

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config
chown -R "$confined_id:$confined_id" "$work"

confined=(unshare --mount --net --ipc --uts python3 "$top_srcdir/tests/integration/confine.py"
    "$units/hintsign-agent.service" "$confined_id" "$work")
hintsign-agent() {
    exec "${confined[@]}" "$top_builddir/hintsign-agent" "$@"
}

# It imposes something: what the agent must never need.
runs 1 'no other place can be written' "${confined[@]}" /bin/sh -c "touch '${work%/*}/hintsign-confined'"
runs 1 'no network' "${confined[@]}" /bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/1'
like "$(cat "$work/stderr")" 'not supported by protocol' '... not even a socket for it'
runs 1 'no owner is changed' "${confined[@]}" /bin/chown "$confined_id" "$work/agent.json"

agent_start
runs 0 'the agent mints within its unit' hintsign mint acme --subject bob
agent_reload
runs 0 '... also after a reload' hintsign mint acme --subject bob
lacking=$(hintsign status | sed -n 's/^lacks *//p')
case $(ulimit -H -l) in
unlimited) is "$lacking" '' 'every protection is in force' ;;
*) like "$lacking" '^(memory_locked)?$' 'every protection is in force, but that the limit of locked memory stays' ;;
esac
agent_stop
done_testing
