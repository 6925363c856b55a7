"""Asks a profile for tokens without a pause and verifies each, with PyJWT, against the JWK Set that
it knew before it asked, and each that is published while the token is valid. Prints results for include_tap of lib.sh; ends with 1 where one did
not verify.

Usage: rotation.py PROFILE JWKS ENOUGH   until the file ENOUGH exists; reports to ENOUGH.PID.kids
                                         the kids of the tokens so far, one a line, and to
                                         ENOUGH.PID.jwks the JWK Set that it knows
"""

import functools
import json
import os
import sys
import time

import jwt

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "integration"))
from varlink_client import AGENT, Client, encode, ok, token  # noqa: E402

BATCH = 8  # requests in the pipeline

profile, jwks_file, enough = sys.argv[1:]
failures = []
kids = []


def published():
    """The file's text and the time at which it was there."""
    with open(jwks_file) as file:
        return file.read(), time.time()


@functools.lru_cache
def keys_of(text):
    return {key["kid"]: (jwt.PyJWK(key).key, key["alg"]) for key in json.loads(text)["keys"]}


def verify(text, tokens, when):
    keys = keys_of(text)
    for each in tokens:
        try:
            key, algorithm = keys[jwt.get_unverified_header(each)["kid"]]
            jwt.decode(each, key, algorithms=[algorithm], options={"verify_exp": False},
                       audience="https://op.example")
        except Exception as error:
            failures.append((when, repr(error), each))


def batch(client):
    client.send(encode(AGENT + "Mint", {"profile": profile}) * BATCH)
    tokens = [token(client.reply()) for _ in range(BATCH)]
    failures.extend(("not minted",) for each in tokens if each is None)
    return [each for each in tokens if each]


def note_kids(tokens):
    for each in tokens:
        kid = jwt.get_unverified_header(each)["kid"]
        if kid not in kids:
            kids.append(kid)
            report("kids", "a", kid + "\n")


def report(what, mode, text):
    with open(f"{enough}.{os.getpid()}.{what}", mode) as file:
        file.write(text)


def claims(each):
    return jwt.decode(each, options={"verify_signature": False})


valid, count, sets = [], 0, 0
before, _ = published()
report("jwks", "w", before)
with Client() as client:
    while not os.path.exists(enough) and not failures:
        tokens = batch(client)
        after, moment = published()
        verify(before, tokens, "asked for")
        valid = [each for each in valid + tokens if claims(each)["exp"] > moment]
        if after != before:
            verify(after, valid, "still valid")
            report("jwks", "w", after)
            sets += 1
        count += len(tokens)
        note_kids(tokens)
        before = after

ok(not failures, f"{count} tokens of {len(kids)} keys verify, {sets} times another set",
   *failures[:3])
sys.exit(1 if failures else 0)
