"""Makes trouble for an agent from all sides at once, and judges every answer that it gives.

  storm.py SECONDS SEED PID FOLDER

Token a's module misbehaves by FAULTY_SCRIPT, token b's does not. FOLDER/secrets.json has the
secrets of the profiles that make MACs. All tokens are written into FOLDER/minted. The same seed
makes the same trouble, but not at the same moments. Prints results for include_tap."""
import base64
import hmac
import random
import resource
import signal
import threading
import time
import traceback

import jwt
from varlink_client import *

ADMIN = "io.hintsign.Admin."
SECONDS, SEED, PID, FOLDER = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
SCRIPT = os.environ["FAULTY_SCRIPT"]
REPORT = 60  # seconds
BACK = 3  # seconds until all serve again: two, and one for a machine that has other work
NAP = 0.3  # seconds, on average
LONG_HANG = 7  # seconds
RECONNECT = 0.05  # seconds, for those who were sent away
MEMORY = 8192  # kB that the heap may have more

STEADY = {"both", "far"}  # have a home on token b: nothing that happens to a is their callers' business
PAIRS = {"pair": "RS256", "curve": "ES256"}
PROFILES = ["near", "both", "far", "pair", "curve"]
REFUSALS = {"TokenUnavailable", "KeyUnavailable", "Locked", "Overloaded"}
FAILURES_SHOWN = 5

FUNCTIONS = ["C_Sign", "C_SignInit", "C_OpenSession", "C_Login", "C_FindObjectsInit", "C_FindObjects",
             "C_GetAttributeValue", "C_GetSlotList", "C_GetTokenInfo", "C_Initialize", "C_Finalize"]
CLOSING = ["C_CloseSession", "C_CloseAllSessions"]  # slow, but when they fail nothing closes a session
CODES = ["0x02", "0x03", "0x05", "0x06", "0x20", "0x30", "0x31", "0x32", "0x50", "0x60", "0x82", "0x90",
         "0x91", "0xb0", "0xb1", "0xb3", "0xe0", "0x101", "0x190", "0x80001234"]
KINDS = [
    lambda r: f"{r.choice(FUNCTIONS)} {r.choice(CODES)} {r.randint(1, 6)}",
    lambda r: f"{r.choice(['C_Sign', 'C_SignInit'])} {r.choice(CODES)} {r.randint(1, 6)}",
    lambda r: f"C_SignInit {r.choice(['0x101', '0x60'])} until C_Login",
    lambda r: f"{r.choice(['C_Sign', '*'])} {r.choice(['0x30', '0x32', '0x05'])} until C_Initialize",
    lambda r: f"* {r.choice(['0x30', '0xe0', '0xb3'])} until C_Finalize",
    lambda r: f"C_Login {r.choice(['0x05', '0x30'])} {r.randint(1, 3)}",
    lambda r: f"C_Sign {r.choice(['short', 'long'])} {r.randint(1, 20)}",
    lambda r: f"C_Sign wrong {r.randint(1, 20)} {r.choice([64, 256])}",  # a MAC has 32 bytes
    lambda r: f"{r.choice(FUNCTIONS + CLOSING)} slow {r.randint(1, 20)} {r.randint(1, 300)}",
    lambda r: f"{r.choice(FUNCTIONS + CLOSING + ['*'])} hang {r.randint(1, 8)}",
    lambda r: f"refuse {r.choice(['0x251', '0x40', '0x1041'])}",
    lambda r: f"sessions {r.randint(1, 4)}",
    lambda r: "one-session",
    lambda r: "handles-change",
    lambda r: "raw-points",
    lambda r: "absent",
    lambda r: "chatter",
]
LOCKING = [  # seldom, because only an administrator brings the token back
    lambda r: f"C_Login {r.choice(['0xa0', '0xa4'])} 1",
    lambda r: f"token-flags {r.choice(['0x10000', '0x20000', '0x40000'])}",
]


class Storm:
    def __init__(self):
        self.end = 0  # time.monotonic()
        self.lock = threading.Lock()
        self.failures, self.refused = [], {}
        self.tokens = self.longest = self.scripts = self.sent_away = 0
        self.minted = open(f"{FOLDER}/minted", "w", encoding="ascii")

    def goes_on(self):
        return time.monotonic() < self.end

    def fail(self, *what):
        with self.lock:
            self.failures.append(what)

    def nap(self, rng, seconds):
        time.sleep(max(0, min(rng.expovariate(1 / seconds), self.end - time.monotonic())))


storm = Storm()
with open(f"{FOLDER}/secrets.json", encoding="ascii") as secrets:
    SECRETS = {name: secret.encode() for name, secret in json.load(secrets).items()}


def published(profile):
    with Client() as client:
        return jwt.PyJWK(client.call(AGENT + "GetKeys", {"profile": profile})["parameters"]["jwks"]["keys"][0]).key


# --- answers ---


def is_right(profile, subject, given):
    """Whether the token is one of this profile's key, and of this request."""
    if profile in PAIRS:
        jwt.decode(given, KEYS[profile], algorithms=[PAIRS[profile]], audience="https://op.example", issuer="CLIENT")
        return True
    data, _, mac = given.rpartition(".")
    wanted = base64.urlsafe_b64encode(hmac.digest(SECRETS[profile], data.encode(), "sha256"))
    claims = data.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return wanted.rstrip(b"=").decode() == mac and claims["sub"] == subject


def judge(profile, subject, reply):
    given, name = token(reply), error(reply)
    if given:
        try:
            good = is_right(profile, subject, given)
        except jwt.InvalidTokenError:
            good = False
        if not good:
            storm.fail("a wrong token", profile, subject, reply)
        with storm.lock:
            storm.tokens += 1
            storm.minted.write(given + "\n")
    else:
        if profile in STEADY or name not in REFUSALS:
            storm.fail("an error that must not be", profile, reply)
        with storm.lock:
            storm.refused[name] = storm.refused.get(name, 0) + 1


def request(profile, subject):
    claims = {} if profile in PAIRS else {"claims": {"sub": subject}}
    return encode(AGENT + "Mint", {"profile": profile, **claims})


def answer(client):
    """The next reply; None where the connection has ended, or was one too many of this user's."""
    reply = client.reply()
    if error(reply) == "Overloaded" and "connections" in reply["parameters"]["message"]:
        storm.sent_away += 1
        return None
    return reply


def ask(client, wanted):
    """Sends it all at once; the replies come in the same order. Returns false where the connection was
    not served: the oldest of too many, and idle, or the newest."""
    start = time.monotonic()
    client.send(b"".join(request(*one) for one in wanted))
    for number, (profile, subject) in enumerate(wanted):
        reply = answer(client)
        if reply is None:
            if number:
                storm.fail("the end before all is answered", number, len(wanted))
            return False
        judge(profile, subject, reply)
    storm.longest = max(storm.longest, time.monotonic() - start)
    return True


# --- callers ---


def customer(rng):
    client = Client()
    while storm.goes_on():
        profile = rng.choice(PROFILES)
        wanted = [(profile, f"s{rng.getrandbits(40)}") for _ in range(rng.choice([1, 1, 5, 30]))]
        start = time.monotonic()
        while not ask(client, wanted) and storm.goes_on():
            if time.monotonic() - start > TIMEOUT:
                storm.fail("no connection is served", wanted[:2])
                break
            client.socket.close()
            time.sleep(RECONNECT)
            client = Client()
        storm.nap(rng, NAP)
    client.socket.close()


def slow_reader(rng):
    """Some read in the end what they have asked for, others are sent away."""
    while storm.goes_on():
        with Client() as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wanted = [(rng.choice(PROFILES), f"r{i}") for i in range(rng.choice([64, 300]))]
            client.socket.setblocking(False)
            try:
                client.socket.send(b"".join(request(*one) for one in wanted))
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass  # not all of it, or sent away
            client.socket.settimeout(TIMEOUT)
            time.sleep(min(rng.choice([0.5, 4, 12]), max(0, storm.end - time.monotonic())))
            for profile, subject in wanted:
                reply = answer(client)
                if reply is None or not storm.goes_on():
                    break
                judge(profile, subject, reply)


def half_messages(rng):
    whole = request("near", "h")
    while storm.goes_on():
        with Client() as client:
            client.send(rng.choice([whole[:rng.randint(1, len(whole) - 1)], rng.randbytes(rng.randint(1, 500)),
                                    whole * 3 + whole[:9], b"{" * 5000 + b"\0"]))
            if rng.random() < 0.3:
                client.half_close()
            storm.nap(rng, NAP)


def goers(rng):
    """Ask, and are gone before the answer."""
    while storm.goes_on():
        clients = [Client() for _ in range(rng.randint(1, 10))]
        for client in clients:
            client.send(request(rng.choice(PROFILES), "g") * rng.randint(1, 40))
        for client in clients:
            client.socket.close()
        storm.nap(rng, NAP)


def flood(rng):
    refused = encode(AGENT + "Mint", {"profile": "nowhere", "claims": {"sub": "f"}})
    while storm.goes_on():
        with Client() as client:
            count = rng.randint(1, 300)
            client.send(refused * count)
            for _ in range(count):
                reply = answer(client)
                if reply is None:  # it rested while the crowd came
                    break
                if error(reply) != "NotAllowed":
                    storm.fail("a flood is answered", reply)
        storm.nap(rng, 2 * NAP)


def crowd(rng):
    """More than one caller may have: those who have waited longest go."""
    while storm.goes_on():
        clients = [Client() for _ in range(rng.choice([50, 350]))]
        storm.nap(rng, 4 * NAP)
        for client in clients:
            client.socket.close()
        storm.nap(rng, 10 * NAP)


# --- administrators ---


def write(path, text):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.replace(path + ".new", path)


def administer(method, **parameters):
    with Client(os.environ["HINTSIGN_ADMIN_SOCKET"]) as client:
        return client.call(ADMIN + method, parameters)


def reloads(rng):
    folder = f"{FOLDER}/profiles.d"
    with open(f"{folder}/near.json", encoding="ascii") as file:
        near = file.read()
    while storm.goes_on():
        storm.nap(rng, 3 * NAP)
        name = f"{folder}/{rng.choice(['extra', 'other'])}.json"
        kind = rng.choice(["new", "gone", "broken", "again"])
        if kind == "gone" and os.path.exists(name):
            os.remove(name)
        elif kind != "again":
            write(name, near if kind == "new" else "{")
        if rng.random() < 0.7:
            os.kill(PID, signal.SIGHUP)
        elif error(administer("Reload")) not in [None, "InvalidConfiguration", "NotDone"]:
            storm.fail("a reload")
        if kind == "broken":
            os.remove(name)


def locks(rng):
    with open(f"{FOLDER}/pin", encoding="ascii") as file:
        pin = file.read().strip()
    while storm.goes_on():
        storm.nap(rng, 5 * NAP)
        if rng.random() < 0.2:
            administer("Lock", token="a")
            storm.nap(rng, NAP)
        administer("Unlock", token="a", **({"pin": pin} if rng.random() < 0.5 else {}))


def rotations(rng):
    while storm.goes_on():
        storm.nap(rng, 50 * NAP)
        os.kill(PID, signal.SIGUSR1)


def faults(rng):
    while storm.goes_on():
        lines = [rng.choice(LOCKING if rng.random() < 0.03 else KINDS)(rng)
                 for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        write(SCRIPT, "\n".join(lines + [""]))
        storm.scripts += 1
        if rng.random() < 0.98:
            storm.nap(rng, NAP)
        else:  # long enough for a module to be given up, and too short for the process
            time.sleep(max(0, min(LONG_HANG, storm.end - time.monotonic())))


# --- the whole ---


def descriptors():
    """0 where nobody but root may look into the agent."""
    try:
        return len(os.listdir(f"/proc/{PID}/fd"))
    except PermissionError:
        return 0


def measure():
    with open(f"/proc/{PID}/status", encoding="ascii") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    with open(f"{SCRIPT}.sessions", encoding="ascii") as file:
        sessions = int(file.read())
    return {"descriptors": descriptors(), "threads": len(os.listdir(f"/proc/{PID}/task")), "sessions": sessions,
            "memory": memory}


def fill():
    """Everything that can be open is, and every buffer as large as it becomes."""
    clients = [Client() for _ in range(16)]
    for client in clients:
        client.send(b"".join(request(profile, "f") * 30 for profile in PROFILES))
    for client in clients:
        for _ in range(30 * len(PROFILES)):
            client.reply()
        client.socket.close()
    settle(1)


def settle(connections):
    """Waits until the agent has noticed who is gone."""
    with Client() as client:
        while client.call(AGENT + "GetStatus")["parameters"]["connections"]["open"] > connections:
            time.sleep(0.01)


def report(start):
    storm.minted.flush()
    print(f"# {time.monotonic() - start:.0f} s: {storm.tokens} tokens; refused: {storm.refused}; "
          f"{storm.sent_away} connections sent away; {storm.scripts} scripts; {measure()}", flush=True)


def run(name, act):
    try:
        act(random.Random(f"{SEED} {name}"))
    except Exception:
        storm.fail(name, traceback.format_exc())


def serves():
    with Client() as client:
        replies = [client.call(AGENT + "Mint", json.loads(request(profile, "e")[:-1])["parameters"])
                   for profile in PROFILES]
    if "Locked" in map(error, replies):
        administer("Unlock", token="a")
    return all(map(token, replies))


TROUBLE = [customer, customer, customer, slow_reader, half_messages, goers, flood, crowd, reloads, locks,
           rotations, faults]


def rage():
    """Everybody does what he does until the end, and the script is empty then."""
    start = time.monotonic()
    storm.end = start + SECONDS
    threads = [threading.Thread(target=run, args=[f"{act.__name__} {i}", act], daemon=True)
               for i, act in enumerate(TROUBLE)]
    for thread in threads:
        thread.start()
    while storm.goes_on():
        time.sleep(max(0, min(REPORT, storm.end - time.monotonic())))
        report(start)
    threads[TROUBLE.index(faults)].join()
    write(SCRIPT, "")
    return threads


def judge_end(threads):
    calm = time.monotonic()
    while not serves() and time.monotonic() < calm + 10 * BACK:
        time.sleep(0.02)
    back = time.monotonic() - calm
    for thread in threads:
        thread.join(10 * TIMEOUT)
    ok(back < BACK, f"when the faults end, every profile serves ({back:.1f} s, of at most {BACK})")
    ok(not any(thread.is_alive() for thread in threads), "everybody is answered",
       [thread.name for thread in threads if thread.is_alive()])
    ok(storm.tokens > 0 and not storm.failures, f"{storm.tokens} tokens, each right, and refusals only "
       f"where they may be", *storm.failures[:FAILURES_SHOWN])
    ok(storm.longest < TIMEOUT, f"no caller waited longer than {storm.longest:.1f} s")


def compare(before):
    """What is under way, as a file of the module's notes, is over soon."""
    counted, deadline = ["descriptors", "threads", "sessions"], time.monotonic() + TIMEOUT
    after = measure()
    while any(after[what] > before[what] for what in counted) and time.monotonic() < deadline:
        time.sleep(0.05)
        after = measure()
    for what in counted:
        name = f"no more {what} than before: {before[what]}, {after[what]}"
        if before[what] == 0:
            print(f"ok - {name} # SKIP only root may count them")
        else:
            ok(after[what] <= before[what], name)
    name = f"about as much memory: {before['memory']}, {after['memory']} kB"
    if os.environ["SANITIZED"] == "yes":
        print(f"ok - {name} # SKIP sanitizers keep what was freed")
    else:
        ok(after["memory"] < before["memory"] + MEMORY, name)


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
KEYS = {profile: published(profile) for profile in PAIRS}
fill()
before = measure()
print(f"# seed {SEED}; {before}", flush=True)
judge_end(rage())
storm.minted.close()
fill()
compare(before)
