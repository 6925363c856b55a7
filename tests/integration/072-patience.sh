#!/usr/bin/env bash
# Callers who do not finish: the agent waits 45 s for a message and 30 s for a reader, not for ever.
# Its clock is a hundred times as fast here.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
hasty=$top_builddir/tests/modules/.libs/hasty.so
[ -e "$hasty" ] || skip_all 'the fast clock is not built'

token_create
key_import acme "$(random_hex 32)"
profile_pingone pingone acme
agent_config
program=$(command -v hintsign-agent)
hintsign-agent() {
    export LD_PRELOAD="$hasty" ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
    exec "$program" "$@"
}
agent_start
cat >"$work/patience.py" <<'END'
import select, sys, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *

def ended(client):
    """Whether the agent ends the connection, of which nothing is read."""
    poll = select.poll()
    poll.register(client.socket, 0)
    return poll.poll(TIMEOUT * 1000) != []

def fill(client, message):
    client.socket.setblocking(False)
    try:
        while True:
            client.socket.send(message * 100)
    except BlockingIOError:
        return

status = encode(AGENT + "GetStatus")
idle, half, deaf, waiting = Client(), Client(), Client(), Client()
ok(token(idle.mint("pingone", sub="bob")), "a caller who says nothing more after this")
start = time.monotonic()
half.send(status[:20])
fill(deaf, status)
# All of it is read at once, and served in several turns until the socket has enough.
waiting.send(status * 390)
ok(ended(deaf), "one who reads no reply is not waited for, for ever")
ok(ended(waiting), "... nor one whose next messages are waiting here")
ok(time.monotonic() - start >= 0.3, "... but 30 seconds")
ok(ended(half), "one who does not finish a message is not waited for")
ok(time.monotonic() - start >= 0.45, "... but 45 seconds")
ok(token(idle.mint("pingone", sub="bob")), "the one who said nothing is still there")
END
timeout 60 python3 "$work/patience.py" >"$work/tap"
is $? 0 'nobody waits for ever'
include_tap <"$work/tap"
agent_stop
done_testing
