#!/usr/bin/env bash
# How often a caller may ask a profile: he is told when to come again, and nobody else notices.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
key_import acme "$(random_hex 32)"
for name in slow other; do
    profile_write "$name" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ],
  "allow": [ { "listener": "default" } ], "rate_limit": { "per_second": 2, "burst": 100 } }
END
done
agent_config
sed -i 's/"0600"/"0666"/' "$work/agent.json"
chmod 711 "$work" # root's stranger has another uid
agent_start

cat >"$work/rate.py" <<'END'
import sys, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *

with Client() as client:
    client.send(encode(AGENT + "Mint", {"profile": "slow", "claims": {"sub": "bob"}}) * 200)
    replies = [client.reply() for _ in range(200)]
    ok(all(token(reply) for reply in replies[:100]), "a burst of tokens")
    limited = [reply for reply in replies if not token(reply)]
    ok(len(limited) > 50 and {error(reply) for reply in limited} == {"RateLimited"}, "... and no more", limited[:2])
    wait = limited[-1]["parameters"]["retry_after_ms"]
    ok(0 < wait <= 500, "... with the time to wait", wait)
    ok(token(client.mint("other", sub="bob")), "another profile is another matter")
    if os.geteuid() == 0:
        os.seteuid(47001)
        with Client() as stranger:
            ok(token(stranger.mint("slow", sub="bob")), "... and so is another user")
        os.seteuid(0)
    time.sleep(wait / 1000)
    ok(token(client.mint("slow", sub="bob")), "after that time there is a token")
END
timeout 60 python3 "$work/rate.py" >"$work/tap"
is $? 0 'the limit is tried'
include_tap <"$work/tap"

# limited: the command says so, as soon as it has taken what came in meanwhile.
limited() {
    status=0
    hintsign mint slow --subject bob 2>"$work/stderr" || status=$?
    [ "$status" -ne 0 ]
}
wait_for 20 limited
is "$status" 4 'the command says that it is worth trying again'
is "$(cat "$work/stderr")" 'hintsign: RateLimited: The profile is asked for too often.' '... in a line'
agent_reload
given=0
until limited || [ "$given" -eq 90 ]; do given=$((given + 1)); done
[ "$given" -lt 90 ]
is $? 0 'a reload fills no bucket'
agent_stop
done_testing
