"""Verifies ES512 tokens (standard input, one a line) with PyJWT and jwcrypto against a JWK Set,
and looks for numbers that begin with a zero byte, which must not be cut off. Prints results for
include_tap of lib.sh; ends with 1 while there are none of one kind yet.

Usage: leading_zeros.py JWKS
"""

import base64
import json
import sys

import jwcrypto.jwk
import jwcrypto.jws
import jwt

BYTES = 66  # of a number on P-521


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def numbers(name, values):
    """Whether some begin with a zero, and a result for all."""
    lengths = {len(value) for value in values}
    zeros = sum(value[0] == 0 for value in values)
    print(f"{'ok' if lengths == {BYTES} else 'not ok'} - {name}: {BYTES} bytes,"
          f" also the {zeros} of {len(values)} that begin with zeros")
    return zeros > 0


with open(sys.argv[1]) as file:
    keys = {key["kid"]: key for key in json.load(file)["keys"]}
tokens = sys.stdin.read().split()
for token in tokens:
    key = keys[jwt.get_unverified_header(token)["kid"]]
    jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES512"], audience="https://op.example")
    jwcrypto.jws.JWS().deserialize(token, jwcrypto.jwk.JWK(**key))
print("ok - PyJWT and jwcrypto verify all ES512 tokens")

used = [keys[kid] for kid in {jwt.get_unverified_header(token)["kid"] for token in tokens}]
signatures = [decode(token.rsplit(".", 1)[1]) for token in tokens]
coordinates = numbers("coordinates", [decode(key[name]) for key in used for name in "xy"])
r = numbers("r", [signature[:BYTES] for signature in signatures])
s = numbers("s", [signature[BYTES:] for signature in signatures])
sys.exit(0 if coordinates and r and s else 1)
