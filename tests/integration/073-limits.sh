#!/usr/bin/env bash
# How many connections there may be: as configured, and at once after a reload.
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
done_testing
