"""Verifies an Authway token (standard input) with PyJWT under base64(SHA-256(secret)).

Usage: authway.py SECRET ISSUER AUDIENCE   prints the header and the claims as they were signed.
"""

import base64
import hashlib
import sys

import jwt

secret, issuer, audience = sys.argv[1:]
token = sys.stdin.read().rstrip("\n")
key = base64.b64encode(hashlib.sha256(secret.encode()).digest())
jwt.decode(token, key, algorithms=["HS256"], issuer=issuer, audience=audience)
for part in token.split(".")[:2]:
    print(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
