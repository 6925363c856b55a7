#!/usr/bin/env bash
# Under a service manager: its sockets, what it is told, and an end that comes in time.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config

# --- socket activation ---

# activated NAME: an agent that its first caller starts, through a socket of that name.
activated() {
    systemd-socket-activate --listen "$HINTSIGN_SOCKET" --fdname "$1" \
        -E SOFTHSM2_CONF -E ASAN_OPTIONS -E UBSAN_OPTIONS \
        "$(command -v hintsign-agent)" --config "$work/agent.json" \
        </dev/null >>"$work/agent.out" 2>>"$work/agent.log" &
    agent_pid=$!
    wait_for 20 test -S "$HINTSIGN_SOCKET"
}

if command -v systemd-socket-activate >/dev/null; then
    # The service manager knows the first of two listeners.
    cp "$work/agent.json" "$work/one.json"
    sed -i "s|\"listeners\": \[|& { \"name\": \"own\", \"path\": \"$work/own.sock\" },|" "$work/agent.json"
    activated default
    runs 0 'the first caller starts the agent' hintsign --timeout 30 mint acme --subject bob
    like "$(cat "$work/stdout")" '^eyJ' '... and gets his token'
    runs 0 'a listener that was not passed is opened' hintsign --socket "$work/own.sock" mint acme --subject bob
    is "$(grep '^listening' "$work/agent.log" | sort)" \
        "$(printf '%s\n' "listening on $HINTSIGN_ADMIN_SOCKET" "listening on $work/own.sock" "listening on the service manager's socket default")" \
        'the log says which is which'
    agent_stop
    is "$(ls "$HINTSIGN_SOCKET" "$work/own.sock" 2>/dev/null)" "$HINTSIGN_SOCKET" \
        'the one that was passed stays, the other is removed'

    rm "$HINTSIGN_SOCKET"
    activated nobodys
    hintsign status >/dev/null 2>&1
    agent_ends 1
    like "$(tail -n 1 "$work/agent.log")" \
        'ERROR: socket nobodys of the service manager: no listener has that name$' \
        'a socket that no listener is named after is an error'
    is "$(ls "$work/own.sock" 2>/dev/null)" '' '... and no socket of the agent stays'
    cp "$work/one.json" "$work/agent.json"
    rm "$work/agent.log"
else
    skip 'socket activation' 'systemd-socket-activate is not installed'
fi

# --- what the service manager is told ---

python3 - "$work/notify" "$work/told" <<'END' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(120)
with open(sys.argv[2], "wb", buffering=0) as told:
    message = b""
    while b"STOPPING" not in message:
        message = manager.recv(4096)
        told.write(message)
END
manager=$!
wait_for 20 test -S "$work/notify"

# told NUMBER LINE: it was said at least so often.
told() {
    [ "$(grep -cxF -- "$2" "$work/told")" -ge "$1" ]
}

hears() {
    runs 0 "$1" wait_for 20 told "$2" "$3"
}

export NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=2000000
rm -f "$HINTSIGN_SOCKET"
agent_launch
unset NOTIFY_SOCKET WATCHDOG_USEC
hears 'it is ready' 1 READY=1
hears '... with what people want to know' 1 'STATUS=Serves with configuration 1'
hears 'the watchdog is fed' 2 WATCHDOG=1
agent_reload
hears 'a reload begins' 1 RELOADING=1
hears '... and ends' 1 'STATUS=Serves with configuration 2'
is "$(grep -c READY=1 "$work/told")" 2 '... once'
cp "$work/agent.json" "$work/good.json"
echo '{' >"$work/agent.json"
agent_reload
hears 'a reload that fails begins' 2 RELOADING=1
hears '... and ends as well' 3 READY=1
cp "$work/good.json" "$work/agent.json"
agent_stop
wait "$manager"
is "$(tail -n 2 "$work/told" | head -n 1)" STOPPING=1 'the last thing is that it stops'

# --- a call that hangs ---

client_module=$(find /usr/lib /usr/lib64 -name p11-kit-client.so 2>/dev/null | head -n 1)
if [ -n "$client_module" ] && command -v p11-kit >/dev/null && command -v setsid >/dev/null; then
    setsid p11-kit server --foreground --name "$work/p11.sock" --provider "$module" pkcs11: \
        >"$work/server.log" 2>&1 &
    server_pid=$!
    trap 'kill -KILL -- "-${server_pid:?}"; wait "$server_pid" 2>/dev/null; cleanup' EXIT
    wait_for 20 test -S "$work/p11.sock"
    export P11_KIT_SERVER_ADDRESS="unix:path=$work/p11.sock"
    sed -i "s|module-path=[^&]*|module-path=$client_module|" "$work/agent.json"
    agent_start
    runs 0 'a token of another process' hintsign mint acme --subject bob
    kill -STOP -- "-${server_pid:?}"
    python3 - >"$work/tap" <<'END'
import fcntl, sys, termios, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
client = Client()
client.send(b'{"method":"io.hintsign.Agent.Mint","parameters":{"profile":"acme","claims":{"sub":"bob"}}}\0')
while any(fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4))):  # the agent has not read it all
    time.sleep(0.01)
ok(True, "a call hangs")
END
    include_tap <"$work/tap"
    began=$SECONDS
    agent_stop 1
    took=$((SECONDS - began))
    runs 0 "... and the agent ends without it after 10 s, not $took" test "$took" -ge 8 -a "$took" -le 11
    like "$(tail -n 1 "$work/agent.log")" 'a call into a PKCS#11 module hangs: ending without it' \
        '... as it says'
else
    skip 'a call that hangs' 'p11-kit-client.so, p11-kit or setsid is not installed'
fi
done_testing
