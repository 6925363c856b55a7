# Shell library: a token that can be switched off and on, behind p11-kit's server, and what the agent
# makes of it. Needs lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154
#
#   remote_create hints-r                    # a SoftHSM2 of its own: processes share no token
#   remote_import acme "$secret"
#   tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\" }"
#   server_start; server_freeze; server_thaw; server_kill

client_module=$(find /usr/lib /usr/lib64 -name p11-kit-client.so 2>/dev/null | head -n 1)
server_pid=

remote_works() {
    [ -n "$client_module" ] && command -v p11-kit setsid >/dev/null
}

remote() {
    SOFTHSM2_CONF=$work/remote.conf "$@"
}

# remote_create LABEL: after token_create.
remote_create() {
    trap cleanup_server EXIT
    export P11_KIT_SERVER_ADDRESS="unix:path=$work/p11.sock"
    mkdir "$work/remote"
    sed "s|$work/tokens|$work/remote|" "$SOFTHSM2_CONF" >"$work/remote.conf"
    remote softhsm2-util --init-token --free --label "$1" --so-pin "$(random_hex 8)" \
        --pin "$(cat "$work/pin")" >"$work/softhsm.log" 2>&1 ||
        bail_out "softhsm2-util: $(cat "$work/softhsm.log")"
    remote_direct="pkcs11:token=$1?module-path=$module&pin-source=file:$work/pin"
    remote_uri="pkcs11:token=$1?module-path=$client_module&pin-source=file:$work/pin"
}

# remote_import LABEL SECRET: while the server does not run.
remote_import() {
    printf '%s' "$2" | remote hintsign-key import --label "$1" --token "$remote_direct" \
        >"$work/import.log" 2>&1 || bail_out "$(cat "$work/import.log")"
}

server_start() {
    SOFTHSM2_CONF=$work/remote.conf setsid p11-kit server --foreground --name "$work/p11.sock" \
        --provider "$module" pkcs11: >"$work/server.log" 2>&1 &
    server_pid=$!
    wait_for 20 test -S "$work/p11.sock"
}

# It has a process for each connection.
server_kill() {
    kill -KILL -- "-$server_pid"
    wait "$server_pid" 2>/dev/null
    server_pid=
    rm -f "$work/p11.sock"
}

# Calls that are under way hang until it is thawed.
server_freeze() {
    kill -STOP -- "-$server_pid"
}

server_thaw() {
    kill -CONT -- "-$server_pid"
}

cleanup_server() {
    [ -z "$server_pid" ] || server_kill
    cleanup
}

mints() {
    hintsign mint "$1" --subject bob
}
