#!/usr/bin/env bash
# Strangers' bytes: each mistake gets its clear error, and nobody else is disturbed.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3 prlimit

token_create
key_import acme "$(random_hex 32)"
profile_write pingone <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "Client-17", "audiences": [ "https://op.example" ], "allow": $allow_me }
END
profile_write authway <<END
{ "version": 1, "kind": "authway", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "Client-17", "audiences": [ "https://a.example", "https://b.example" ],
  "accept": { "email": "email", "phone": "e164", "short": { "form": "string", "max": 3 } },
  "one_of": [ [ "sub", "email" ] ], "allow": $allow_me }
END
profile_write assertion <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "Client-17", "audiences": [ "https://op.example" ], "allow": $allow_me }
END
profile_write forbidden <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "Client-17", "audiences": [ "https://op.example" ] }
END
# It makes long replies.
profile_write long <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "Client-17", "allow": $allow_me, "audiences": [
  $(seq -f "\"https://op.example/$(printf 'x%.0s' {1..900})/%g\"," 60) "https://op.example" ] }
END
agent_config
agent_start

python3 "$top_srcdir/tests/integration/bad_input.py" "$agent_pid" >"$work/tap" 2>"$work/stderr"
is $? 0 'every kind of input was tried'
[ ! -s "$work/stderr" ] || diag "$(cat "$work/stderr")"
include_tap <"$work/tap"
is "$(grep -vF 'running as root' "$work/agent.log" | grep -cE 'ERROR|WARNING')" 0 'the log has nothing to say about it'
agent_stop

# --- few files may be open ---

program=$(command -v hintsign-agent)
hintsign-agent() {
    exec prlimit --nofile=80:80 "$program" "$@"
}
agent_start
like "$(cat "$work/agent.log")" 'WARNING: at most 60 connections, because the limit of open files is 80' \
    'with few open files there are few connections'
cat >"$work/few.py" <<'END'
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
def patient_mint():
    """Who comes while others are being closed is told to come again."""
    while True:
        with Client() as client:
            reply = client.mint("pingone", sub="bob")
        if error(reply) != "Overloaded":
            return reply

held = [Client() for _ in range(200)]
ok(token(patient_mint()), "200 are too many: others mint")
with Client() as client:
    status = client.call(AGENT + "GetStatus")["parameters"]
    equal(status["tokens"], [{"name": "a", "state": "up"}], "... and the module has files to open")
END
timeout 60 python3 "$work/few.py" >"$work/tap"
is $? 0 'they all connect'
include_tap <"$work/tap"
kill -HUP "$agent_pid"
agent_log_has '^configuration 2: '
is $? 0 'the configuration can be read'
is "$(grep -c 'Too many open files' "$work/agent.log")" 0 'nothing lacks a file'
agent_stop
done_testing
