#!/usr/bin/env bash
# How many connections there may be: as configured, and at once after a reload. Who has asked and
# waits for a worker keeps his.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
agent_config '"limits": { "connections": 12, "connections_per_uid": 6 }'
agent_start

cat >"$work/limits.py" <<'END'
import select, sys, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *

limit, share = int(sys.argv[1]), int(sys.argv[2])

def connections(client):
    return client.call(AGENT + "GetStatus")["parameters"]["connections"]

with Client() as client:
    got = connections(client)
    equal((got["limit"], got["limit_per_uid"]), (limit, share), "they are what is configured")
    while connections(client)["open"] > 1:
        time.sleep(0.01)  # those of before are still being closed
    callers = [client] + [Client() for _ in range(share - 1)]
    seen = [connections(caller)["open"] for caller in callers]  # once answered, it is there
    equal(seen[-1], share, "all of one user's share")
    with Client() as newcomer:
        ok(connections(newcomer)["open"] >= share, "one more")
        ended, _, _ = select.select([caller.socket for caller in callers], [], [], TIMEOUT)
        equal(len(ended), 1, "... ends one of the others")
END
limits() {
    timeout 60 python3 "$work/limits.py" "$@" >"$work/tap"
    is $? 0 "limits: $*"
    include_tap <"$work/tap"
}

limits 12 6
agent_config '"limits": { "connections": 9 }'
agent_reload
# look: the limits take effect within a second.
look() {
    python3 - "$1" <<'END'
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
with Client() as client:
    sys.exit(client.call(AGENT + "GetStatus")["parameters"]["connections"]["limit"] != int(sys.argv[1]))
END
}
wait_for 20 look 9
limits 9 2
agent_stop

# --- more than one user's share, all of whom have asked ---

key_import acme "$(random_hex 32)"
profile_pingone acme
export SLOW_MODULE=$module SLOW_SIGN_US=100000
tokens_json="{ \"name\": \"a\", \"uri\": \"$(module=$top_builddir/tests/modules/.libs/slow.so token_uri)\" }"
agent_config '"workers": 1, "limits": { "connections_per_uid": 4 }'
agent_start
timeout 60 python3 - "$agent_pid" >"$work/tap" <<'END'
import os, signal, sys
sys.path.insert(0, os.environ["top_srcdir"] + "/tests/integration")
from varlink_client import *

agent = int(sys.argv[1])
os.kill(agent, signal.SIGSTOP)  # so that they all come at once
callers = [Client() for _ in range(8)]
for caller in callers:
    caller.send(encode(AGENT + "Mint", {"profile": "acme", "claims": {"sub": "bob"}}))
os.kill(agent, signal.SIGCONT)
replies = [caller.reply() for caller in callers]
equal(replies.count(None), 0, "each is answered")
tokens = sum(token(reply) is not None for reply in replies)
equal([error(reply) for reply in replies if error(reply)], ["Overloaded"] * (8 - tokens),
      "... those for whom there is no room with Overloaded")
with open(os.path.dirname(SOCKET) + "/audit.jsonl") as log:
    records = [json.loads(line) for line in log]
equal(sum(record.get("type") == "mint" for record in records), tokens, "a record for each token")
END
is $? 0 'more than one share, all of whom have asked'
include_tap <"$work/tap"
agent_stop
done_testing
