"""Floods the agent with what it must refuse, and looks what that does to its log and to others.

  floods.py LOG many|last|after"""
import statistics
import threading
import time

from varlink_client import *

STRANGER = 47001  # a uid that nobody has
log = sys.argv[1]
refused = encode(AGENT + "Mint", {"profile": "nowhere", "claims": {"sub": "bob"}})


def stranger():
    """A connection of another user, where we may make one: whose uid counts when he connects."""
    if os.geteuid() != 0:
        return Client()
    os.seteuid(STRANGER)
    try:
        return Client()
    finally:
        os.seteuid(0)


def flood(client, count):
    """Sends without waiting, and reads all the answers."""
    sender = threading.Thread(target=client.send, args=[refused * count])
    sender.start()
    left = count
    while left > 0 and (more := client.socket.recv(1 << 20)):
        left -= more.count(b"\0")
    sender.join()
    return left == 0


def records():
    with open(log, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def told(which):
    """How many refusals the records tell of, alone and in sum."""
    alone = sum(record.get("error") == "NotAllowed" for record in which)
    return alone, sum(record.get("count", 0) for record in which)


def mint_until(event, client):
    """How long each mint took, in seconds; minting goes on until the event."""
    times = []
    while not event.is_set():
        start = time.monotonic()
        if not token(client.mint("acme", sub="alice")):
            return []  # too few, then
        times.append(time.monotonic() - start)
        event.wait(0.01)
    return times


def many():
    others, clients, done = Client(), [stranger() for _ in range(8)], threading.Event()
    timer = threading.Timer(0.5, done.set)
    timer.start()
    before = mint_until(done, others)
    done.clear()
    threads, results, during = [], [], []
    seen = len(records())
    start = time.monotonic()
    for client in clients:
        threads.append(threading.Thread(target=lambda c=client: results.append(flood(c, 12500))))
    minter = threading.Thread(target=lambda: during.extend(mint_until(done, others)))
    for thread in threads + [minter]:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    done.set()
    minter.join()
    ok(results == [True] * 8, "100,000 requests of somebody who may not are answered", results)
    deadline = time.monotonic() + 10
    while sum(told(records()[seen:])) < 100000 and time.monotonic() < deadline:
        time.sleep(0.05)
    new = records()[seen:]
    of_flood = [record for record in new if record.get("error") or record["type"] == "suppressed"]
    grown = sum(len(json.dumps(record, separators=(",", ":"))) + 1 for record in of_flood)
    ok(grown < 100 * 1024, "... the log grows by less than 100 KiB", grown)
    alone, in_sum = told(new)
    equal(alone + in_sum, 100000, "... and tells of each")
    ok(10 <= alone <= 10 + 10 * seconds, "... of at most ten a second by itself", alone, seconds)
    sums = [record for record in new if record["type"] == "suppressed"]
    ok(len(sums) <= seconds + 2, "... and once a second of the others", len(sums), seconds)
    uid = STRANGER if os.geteuid() == 0 else os.geteuid()
    ok({(record.get("uid"), record.get("listener")) for record in sums} == {(uid, "default")},
       "... with who it was", sums[:1])
    ok(len(during) > 20, "others mint meanwhile", len(during))
    print(f"# {seconds:.1f} s; the log grew by {grown} bytes; others waited for a token "
          f"{1000 * statistics.median(before):.1f} ms before, {1000 * statistics.median(during):.1f} ms "
          f"during the flood, {1000 * max(during):.1f} ms at most")


def last():
    """One more flood, whose count is not written when the agent ends."""
    ok(flood(stranger(), 500), "500 requests just before the end")


def after():
    equal(sum(told(records())), 100500, "the log tells of them, too")


{"many": many, "last": last, "after": after}[sys.argv[2]]()
