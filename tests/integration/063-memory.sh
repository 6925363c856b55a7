#!/usr/bin/env bash
# What is not in memory: client secrets and PINs, in all mappings of the agent after 1,000 tokens.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3
[ "$SANITIZED" = no ] || skip_all 'sanitizers keep what was freed, and map terabytes'
# The agent is undumpable: PR_CAPBSET_READ of CAP_SYS_PTRACE tells whether we may look.
[ "$(id -u)" = 0 ] &&
    python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).prctl(23, 19, 0, 0, 0) != 1)' ||
    skip_all 'only root with CAP_SYS_PTRACE can read the memory of the agent'

# Long ones, of which the end is looked for: a freed block is overwritten at its beginning alone.
pin=$(random_hex 48)
tail=${pin: -64}
printf '%s' "$pin" >"$work/pin"
token_create
secret=$(random_hex 64) control=client-$(random_hex 8)
key_import acme "$secret"
profile_write acme <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "$control", "audiences": [ "https://op.example" ], "allow": $allow_me }
END

# finds PID THERE ABSENT NAME: a test of what is in the memory of a process. The strings are in the
# environment of the scan alone: what is in ours would be in the agent's, too.
finds() {
    like "$(there=$2 absent=$3 python3 "$top_srcdir/tests/integration/scan_memory.py" "$1" there absent)" \
        '^[1-9][0-9]* 0$' "$4"
}

mint_1000() {
    seq 1000 | hintsign mint acme --subjects-from - >"$work/minted" 2>"$work/stderr"
    is "$(grep -c '^eyJ' "$work/minted")" 1000 '1,000 tokens'
}

# nowhere_else TEXT NAME: not in what the agent writes either.
nowhere_else() {
    is "$(cat "$work/agent.log" "$work/audit.jsonl" <(hintsign status --json) | grep -cF -- "$1")" 0 "$2"
}

# --- PINs, with SoftHSM2 in the process ---

# clean NAME: the scan finds what is there, and no PIN.
clean() {
    finds "$agent_pid" "$control" "$tail" "$1: there is no PIN in memory"
    nowhere_else "$tail" "$1: nor in logs and status"
}

agent_config
agent_start
mint_1000
clean 'a PIN from a file'
runs 0 'lock' hintsign lock
runs 0 'unlock' hintsign unlock <<<"$pin"
clean 'a PIN by hand'
runs 0 'lock again' hintsign lock
runs 1 'a refused one' hintsign unlock <<<"x$pin"
clean 'a PIN that was refused'
runs 1 'a PIN to nobody' hintsign unlock other <<<"$pin"
pin=$pin python3 - <<'END'
import os, socket
for message in (b'{"method":"io.hintsign.Admin.Unlock","parameters":{"pin":"%s"',
                b'{"method":"io.hintsign.Admin.Unlock","parameters":{"token":"no","pin":"%s"}}\0',
                b'{"pin":"%s"}\0', b'{"method":"x","method":"x","pin":"%s"}\0',
                b'%s' + b"x" * 40000):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.environ["HINTSIGN_ADMIN_SOCKET"])
        try:
            client.sendall(message % os.environ["pin"].encode())
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        except ConnectionError:
            pass
END
clean 'messages that are no calls'
runs 0 'the right one again' hintsign unlock <<<"$pin"
agent_stop

# --- the client, while it waits for the answer ---

python3 - "$work/silent.sock" <<'END' &
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.settimeout(20)
client = server.accept()[0]
client.settimeout(20)
data = b""
while not data.endswith(b"\0"):
    data += client.recv(4096)
open(sys.argv[1] + ".got", "wb").write(data)
client.recv(1)  # until the client has gone
END
server=$!
wait_for 20 test -S "$work/silent.sock"
hintsign=$top_builddir/.libs/hintsign
[ -x "$hintsign" ] || hintsign=$top_builddir/hintsign
LD_LIBRARY_PATH=$top_builddir/.libs "$hintsign" unlock --socket "$work/silent.sock" \
    <<<"$pin" >"$work/stdout" 2>&1 &
client=$!
wait_for 20 test -s "$work/silent.sock.got"
like "$(cat "$work/silent.sock.got" | tr -d '\0')" "\"pin\":\"$pin\"" 'hintsign unlock sends the PIN'
finds "$client" "$work/silent.sock" "$tail" '... and has it no more when it waits for the answer'
kill "$client" 2>/dev/null
wait "$client" 2>/dev/null
wait "$server"

# --- client secrets, with the token in another process ---

if remote_works; then
    remote_create hints-r
    remote_import acme "$secret"
    tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\" }"
    server_start
    agent_config
    agent_start
    mint_1000
    finds "$agent_pid" "$control" "${secret: -64}" 'with the token in another process: no client secret'
    nowhere_else "${secret: -64}" '... and in no log or status'
    agent_stop
else
    skip 'a client secret' 'p11-kit-client.so or p11-kit is not installed'
fi
done_testing
