"""Verifies tokens that were signed with private keys, against a published JWK Set, with PyJWT
and jwcrypto. Prints results for include_tap of lib.sh.

Usage: private_keys.py JWKS ISSUER AUDIENCE   each line of standard input is ALGORITHM NAME TOKEN
"""

import json
import sys

import jwcrypto.jws
import jwcrypto.jwk
import jwt

jwks_file, issuer, audience = sys.argv[1:]
with open(jwks_file) as file:
    keys = json.load(file)["keys"]


def result(condition, name, detail):
    print("ok - " + name if condition else "not ok - " + name + "\n# " + repr(detail))


def outcome(function, *arguments, **options):
    """What the function returns, or the error that it raises."""
    try:
        return function(*arguments, **options)
    except Exception as error:
        return error


def pyjwt(token, key, algorithm):
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=[algorithm], issuer=issuer,
                      audience=audience)


def jwcrypto_(token, key, algorithm):
    jws = jwcrypto.jws.JWS()
    jws.allowed_algs = [algorithm]
    jws.deserialize(token, jwcrypto.jwk.JWK(**key))
    return json.loads(jws.payload)


# Base64url without padding, so that each character of the signature but the last counts.
def tampered(token):
    head, signature = token.rsplit(".", 1)
    return head + "." + ("A" if signature[0] != "A" else "B") + signature[1:]


for line in sys.stdin:
    algorithm, name, token = line.split()
    header = jwt.get_unverified_header(token)
    matching = [key for key in keys if key["kid"] == header["kid"]]
    result(len(matching) == 1, f"{algorithm} with {name}: one key is published", matching)
    key = matching[0]
    result(header == {"alg": algorithm, "typ": "JWT", "kid": key["kid"]}, "... the header", header)
    thumbprint = jwcrypto.jwk.JWK(**key).thumbprint()
    result(key["kid"] == thumbprint, "... its kid is the thumbprint of RFC 7638", thumbprint)
    result((key["alg"], key["use"]) == (algorithm, "sig"), "... it is for this algorithm", key)
    for library in pyjwt, jwcrypto_:
        library_name = library.__name__.strip("_")
        claims = outcome(library, token, key, algorithm)
        result(isinstance(claims, dict) and list(claims) == ["iss", "sub", "aud", "jti", "iat", "exp"]
               and claims["iss"] == claims["sub"] == issuer, f"... {library_name} verifies it", claims)
        refused = outcome(library, tampered(token), key, algorithm)
        result(isinstance(refused, Exception), f"... {library_name} refuses another signature", refused)
