"""Opens sealed hints with jwcrypto, and makes the key files of a provider that they are sealed to.

  sealed.py keys DIR ISSUER TYPE [fetched-at TIME]   makes DIR/TYPE.jwk and the issuer's key file, prints the kid
  sealed.py open KEY JWKS <TOKEN                      prints both headers and the claims
"""
import json
import os
import sys
import urllib.parse

from jwcrypto import jwe, jwk, jws

TYPES = {
    "rsa": {"kty": "RSA", "size": 2048},
    "P-256": {"kty": "EC", "crv": "P-256"},
    "P-521": {"kty": "EC", "crv": "P-521"},
    "X25519": {"kty": "OKP", "crv": "X25519"},
}


def make(directory, issuer, kind, fetched_at=None):
    key = jwk.JWK.generate(**TYPES[kind])
    kid = key.thumbprint()
    with open(os.path.join(directory, kind + ".jwk"), "w") as file:
        file.write(key.export_private())
    content = {"issuer": issuer, "keys": [dict(json.loads(key.export_public()), use="enc", kid=kid)]}
    if fetched_at is not None:
        content["fetched_at"] = int(fetched_at)
    name = os.path.join(directory, urllib.parse.quote(issuer, safe="") + ".json")
    with open(name + ".new", "w") as file:
        json.dump(content, file)
    os.rename(name + ".new", name)
    print(kid)


def unseal(key_file, jwks_file):
    with open(key_file) as file:
        key = jwk.JWK.from_json(file.read())
    with open(jwks_file) as file:
        keys = jwk.JWKSet.from_json(file.read())
    outer = jwe.JWE()
    outer.deserialize(sys.stdin.read().strip(), key=key)
    inner = jws.JWS()
    inner.deserialize(outer.payload.decode())
    inner.verify(keys.get_key(inner.jose_header["kid"]))
    header = outer.jose_header
    header.pop("epk", None)
    print(json.dumps(header))
    print(json.dumps(inner.jose_header))
    print(inner.payload.decode())


if __name__ == "__main__":
    if sys.argv[1] == "keys":
        make(*sys.argv[2:5], *sys.argv[6:7])
    else:
        unseal(*sys.argv[2:4])
