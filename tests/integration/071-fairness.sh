#!/usr/bin/env bash
# A caller who keeps all workers busy with a slow token: others are served before him.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util python3
[ "$(id -u)" = 0 ] || skip_all 'callers with other ids need root'

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme acme '[ { "listener": "default" } ]'
faulty_token
script 'C_Sign slow 1000000 5'
agent_config '"workers": 4'
sed -i 's/"0600"/"0666"/' "$work/agent.json"
chmod 711 "$work"
agent_start

cat >"$work/fairness.py" <<'END'
import sys, threading, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *

GREEDY = 64  # connections, of which each asks for much more than it gets in this time
PATIENT = 30  # tokens, one after the other
given = [0] * GREEDY
message = encode(AGENT + "Mint", {"profile": "acme", "claims": {"sub": "bob"}})

def take_all(index, client):
    try:
        client.send(message * 1000)
        while more := client.socket.recv(1 << 16):
            given[index] += more.count(b"\0")
    except OSError:
        pass

os.seteuid(47001)
greedy = [Client() for _ in range(GREEDY)]
os.seteuid(0)
for index, client in enumerate(greedy):
    threading.Thread(target=take_all, args=[index, client], daemon=True).start()
while min(given) == 0:
    time.sleep(0.01)
with Client() as patient:
    before, start, longest = sum(given), time.monotonic(), 0
    tokens = 0
    for _ in range(PATIENT):
        began = time.monotonic()
        tokens += token(patient.mint("acme", sub="alice")) is not None
        longest = max(longest, time.monotonic() - began)
    seconds, taken = time.monotonic() - start, sum(given) - before
print(f"# {1000 * seconds / PATIENT:.1f} ms for a token, {1000 * longest:.1f} at most; "
      f"the others got {taken} meanwhile, {taken / seconds:.0f} a second")
equal(tokens, PATIENT, "one gets all that he asks for")
# Otherwise each of the connections before him would have a turn of four or five first.
ok(taken < PATIENT * 100, "... before 64 connections of another", taken)
ok(taken > 0 and min(given) > 0, "... who are served as well", given)
for client in greedy:
    client.socket.shutdown(socket.SHUT_RDWR)
END
timeout 100 python3 "$work/fairness.py" >"$work/tap"
is $? 0 'many ask at once'
include_tap <"$work/tap"
agent_stop
done_testing
