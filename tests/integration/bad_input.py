"""Sends the agent what it must refuse. The argument is its process id."""
import base64
import resource
import socket
import sys
import time

from varlink_client import *

agent = int(sys.argv[1])
MINT = AGENT + "Mint"
GOOD = encode(MINT, {"profile": "pingone", "claims": {"sub": "bob"}})


def others_mint(during):
    """A caller that was there before and one that comes now."""
    both = bystander.mint("pingone", sub="alice"), None
    with Client() as newcomer:
        both = both[0], newcomer.mint("pingone", sub="alice")
    ok(token(both[0]) and token(both[1]), "others mint: " + during, both)


def claims_of(minted):
    payload = token(minted).split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def refused(name, message, wanted, ends=False, **parameters):
    """The message gets this error, with these parameters among others."""
    with Client() as client:
        client.send(message)
        reply = client.reply()
        got = reply and reply.get("parameters", {})
        right = error(reply) == wanted and all(got.get(k) == v for k, v in parameters.items())
        if wanted in ("InvalidMessage", "InvalidClaim", "NotAllowed", "UnknownAudience"):
            right = right and len(got["message"]) > 10
        if ends:
            right = right and client.read() is None
        else:
            right = right and token(client.mint("pingone", sub="bob"))
        ok(right, name, reply)


def refuse_messages():
    deep = 1000
    for name, message in {
        "no JSON": b"hello",
        "an empty message": b"",
        "an array": b"[]",
        "a string": b'"io.hintsign.Agent.GetStatus"',
        "a number": b"5",
        "half an object": b'{"method":"io.hintsign.Agent.GetStatus"',
        "something behind the object": b'{"method":"io.hintsign.Agent.GetStatus"}{}',
        "no method": b"{}",
        "a method that is a number": b'{"method":5}',
        "a method that is null": b'{"method":null}',
        "a name twice": b'{"method":"io.hintsign.Agent.GetStatus","method":"io.hintsign.Agent.Mint"}',
        "a name twice, deep inside":
            b'{"method":"io.hintsign.Agent.Mint","parameters":{"profile":"pingone",'
            b'"claims":{"sub":"a","sub":"b"}}}',
        "a name twice, once escaped":
            b'{"method":"io.hintsign.Agent.Mint","parameters":{"profile":"pingone",'
            b'"claims":{"sub":"a","\\u0073ub":"b"}}}',
        "arrays 1000 deep": b'{"method":"x","parameters":' + b"[" * deep + b"]" * deep + b"}",
        "objects 1000 deep": b'{"a":' * deep + b"1" + b"}" * deep,
        "1000 opening brackets": b"[" * deep,
        "17 deep": b'{"method":"x","parameters":' + b"[" * 16 + b"]" * 16 + b"}",
        "invalid UTF-8": b'{"method":"io.hintsign.Agent.\xff"}',
        "UTF-8 that is too long": b'{"method":"io.hintsign.Agent.\xc0\xaf"}',
        "a lone surrogate": b'{"method":"io.hintsign.Agent.\\ud800"}',
        "U+0000 in a string": b'{"method":"io.hintsign.Agent.GetStatus\\u0000"}',
        "a control character": b'{"method":"io.hintsign.Agent.\x01"}',
        "NaN": b'{"method":"x","parameters":NaN}',
        "a number without digits": b'{"method":"x","parameters":-}',
        "a byte order mark": b"\xef\xbb\xbf" + GOOD[:-1],
        "one byte too much": GOOD[:-1] + b" " * (65536 - len(GOOD) + 1),
    }.items():
        refused(name, message + b"\0", "InvalidMessage", ends=True)
    others_mint("after messages that are none")


def refuse_calls():
    refused("an unknown method", encode(AGENT + "Sing"), "MethodNotFound", method=AGENT + "Sing")
    refused("another's method", encode("com.example.Agent.Mint"), "InterfaceNotFound",
            interface="com.example.Agent")
    refused("a method without an interface", encode("Mint"), "InterfaceNotFound")
    refused("our interface as a method", encode("io.hintsign.Agent"), "InterfaceNotFound", interface="io.hintsign")
    refused("an unknown interface", encode(SERVICE + "GetInterfaceDescription", {"interface": "x"}),
            "InterfaceNotFound", interface="x")
    for parameter, parameters in [
        ("parameters", [1]), ("parameters", "profile"), ("subject", {"profile": "pingone", "subject": "x"}),
        ("profile", {}), ("profile", None), ("profile", {"profile": None}), ("profile", {"profile": 5}),
        ("profile", {"profile": ["pingone"]}), ("audience", {"profile": "pingone", "audience": 5}),
        ("claims", {"profile": "pingone", "claims": "sub"}), ("claims", {"profile": "pingone", "claims": []}),
        ("claims", {"profile": "pingone", "claims": {str(i): "x" for i in range(33)}}),
        ("reference", {"profile": "pingone", "reference": "x" * 129}),
        ("reference", {"profile": "pingone", "reference": "\u00fc"}),
        ("reference", {"profile": "pingone", "reference": "a\nb"}),
    ]:
        refused("bad parameter " + json.dumps(parameters)[:50], encode(MINT, parameters), "InvalidParameter",
                parameter=parameter)
    refused("a parameter where there is none", encode(AGENT + "GetStatus", {"x": 1}), "InvalidParameter",
            parameter="x")
    for switch in ("oneway", "more", "upgrade"):
        refused(switch + " that is no boolean", encode(AGENT + "GetStatus", **{switch: 1}),
                "InvalidParameter", parameter=switch)
    refused("upgrade", encode(AGENT + "GetStatus", upgrade=True), "InvalidParameter", parameter="upgrade")
    others_mint("after calls that are wrong")


def refuse_claims():
    def bad(name, profile, claim, claims):
        wanted = {} if claim is None else {"claim": claim}
        audience = "https://a.example" if profile == "authway" else None
        refused(name, encode(MINT, {"profile": profile, "audience": audience, "claims": claims}), "InvalidClaim",
                **wanted)

    for claim in ("iss", "exp", "aud", "iat", "jti", "nbf", "name", "", "SUB"):
        bad("claim " + repr(claim), "pingone", claim, {"sub": "bob", claim: "x"})
    for profile in ("pingone", "authway"):
        for subject in ("Client-17", "client-17", "CLIENT-17", " Client-17", "Client-17 ", "\u00a0Client-17\u3000",
                        "\ufeffClient-17\u2028"):
            bad(f"the client's own id as sub of {profile}: {subject!r}", profile, "sub", {"sub": subject})
    bad("an e-mail that is none", "authway", "email", {"email": "x"})
    bad("a phone number that is none", "authway", "phone", {"sub": "bob", "phone": "0171"})
    bad("a claim that is too long for the profile", "authway", "short", {"sub": "bob", "short": "four"})
    bad("neither of two claims", "authway", None, {"phone": "+4917112345"})
    bad("no claim", "pingone", "sub", {})
    bad("a claim for an assertion", "assertion", "sub", {"sub": "Client-17"})
    for subject in (5, None, True, 1.5, [], {}, "", "a\nb", "\u001f", "x" * 1025, "\u00fc" * 513):
        bad("sub " + json.dumps(subject)[:20], "pingone", "sub", {"sub": subject})
    refused("an unknown audience", encode(MINT, {"profile": "pingone", "audience": "https://x"}), "UnknownAudience")
    refused("none of two audiences", encode(MINT, {"profile": "authway", "claims": {"sub": "bob"}}),
            "UnknownAudience")
    with Client() as client:
        answers = []
        for profile in ("unknown", "forbidden", "", "Pingone", "../pingone", "x" * 5000):
            client.send(encode(MINT, {"profile": profile, "claims": {"sub": "bob"}}))
            answers.append(client.read())
    ok(len(set(answers)) == 1 and b"NotAllowed" in answers[0],
       "a profile that is unknown and one that is forbidden: the same answer", answers)
    others_mint("after claims that are wrong")


def accept():
    """What looks strange and is right."""
    with Client() as client:
        client.send(GOOD[:-1] + b" " * (65536 - len(GOOD)) + b"\0")
        ok(token(client.reply()), "a message of 64 KiB")
        client.send(b" \t\r\n" + GOOD)
        ok(token(client.reply()), "white space around a message")
        ok(token(client.call(MINT, {"profile": "pingone", "claims": {"sub": "bob"}}, more=True)), "more")
        ok(token(client.call(MINT, {"profile": "pingone", "audience": None, "reference": None,
                                    "claims": {"sub": "bob"}})), "parameters that are null")
        for subject in ("\u007f", "\u2028", "\U0001f600", "x" * 1024, "Client-170", "a\"b\\c/"):
            equal(claims_of(client.mint("pingone", sub=subject))["sub"], subject, "sub " + repr(subject)[:20])
        for i in range(len(GOOD)):
            client.send(GOOD[i:i + 1])
        ok(token(client.reply()), "a message byte by byte")


def pipeline():
    count = 1000
    with Client() as client:
        data = b""
        for i in range(count):
            profile = "pingone" if i % 10 else "unknown"
            data += encode(MINT, {"profile": profile, "claims": {"sub": str(i)}})
        client.send(data)
        client.half_close()
        replies = [client.reply() for _ in range(count)]
        right = [error(r) == "NotAllowed" if i % 10 == 0 else claims_of(r)["sub"] == str(i)
                 for i, r in enumerate(replies)]
        ok(all(right), f"{count} requests in one go: each its reply, in order", right.count(False))
        equal(client.read(), None, "a half-closed connection ends behind the last reply")
    with Client() as client:
        client.send(encode(MINT, {"profile": "pingone", "claims": {"sub": "quiet"}}, oneway=True) +
                    encode(MINT, {"profile": "unknown"}, oneway=True) + encode(MINT, oneway=True) +
                    encode(SERVICE + "GetInfo"))
        reply = client.reply()
        ok("interfaces" in reply["parameters"], "oneway gets no reply, not even an error", reply)
    with Client() as client:
        client.send(GOOD * 10 + b"nonsense\0" + GOOD)
        replies = [client.reply() for _ in range(11)]
        ok(all(token(r) for r in replies[:10]) and error(replies[10]) == "InvalidMessage",
           "what came before the nonsense is answered", replies)
        equal(client.read(), None, "... and what came behind it is not")


def be_silent():
    with Client() as half:
        half.send(GOOD[:20])
        others_mint("half a message and silence")
        half.send(GOOD[20:])
        ok(token(half.reply()), "the other half is not too late")
    with Client() as client:
        client.send(b"x" * (1 << 20))
        equal(error(client.reply()), "InvalidMessage", "1 MiB without a NUL")
        equal(client.read(), None, "... ends the connection")
    others_mint("after 1 MiB without a NUL")
    with Client() as client:
        client.send(GOOD * 100)
    others_mint("after a client that left without its replies")


def fill(client, message):
    """Sends and never reads, until the agent takes no more. Returns how many were taken."""
    client.socket.setblocking(False)
    sent = 0
    try:
        while sent < len(message) * 100000:
            sent += client.socket.send(message * 100)
    except BlockingIOError:
        pass
    return sent // len(message)


def resident():
    """KiB of memory that the agent uses, once it does not grow any more."""
    last = -1
    while True:
        with open(f"/proc/{agent}/status") as status:
            now = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        if now == last:
            return now
        last = now
        time.sleep(0.2)


def never_read():
    # More of them than there are workers.
    deaf = [Client() for _ in range(40)]
    before = resident()
    taken = [fill(client, GOOD) for client in deaf[:20]]
    taken += [fill(client, encode(AGENT + "ListProfiles")) for client in deaf[20:]]
    ok(min(taken) > 0 and max(taken) < 100000, "clients that never read are not read from", taken)
    others_mint("40 clients that pipeline and never read")
    if os.environ["SANITIZED"] == "no":
        ok(resident() - before < 40 * 1024, "... and cost little memory", resident() - before)
    # One of them changes its mind.
    deaf[0].socket.settimeout(TIMEOUT)
    deaf[0].half_close()
    replies = 0
    while deaf[0].read() is not None:
        replies += 1
    equal(replies, taken[0], "one that reads in the end gets every reply")
    for client in deaf:
        client.socket.close()
    others_mint("after they are gone")


def hold_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        print("ok - 900 connections # SKIP at most %d files may be open" % hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = [Client() for _ in range(900)]
    others_mint("900 connections that say nothing")
    held += [Client() for _ in range(300)]
    others_mint("1200 connections that say nothing")
    held[0].socket.settimeout(TIMEOUT)
    ok(held[0].read() is None, "beyond 1024 the one that was idle longest is closed")
    ok(token(held[-1].mint("pingone", sub="bob")), "... and not the latest")
    ok(token(bystander.mint("pingone", sub="bob")), "... nor one that is in use")
    for client in held:
        client.socket.close()
    others_mint("after they are gone")


bystander = Client()
refuse_messages()
refuse_calls()
refuse_claims()
accept()
pipeline()
be_silent()
never_read()
hold_connections()
