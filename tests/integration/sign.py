"""Asks an agent with the profiles of 130-sign.sh to sign, and verifies what it gives with what
GetKeys says. Prints results for include_tap of lib.sh.

Usage: sign.py AUDIT_LOG
"""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives import hashes

from varlink_client import AGENT, Client, equal, error, ok

DATA_MAX = 45 * 1024
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
agent = Client()


def encode(data):
    return base64.b64encode(data).decode()


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def public_key(profile):
    jwk, = agent.call(AGENT + "GetKeys", {"profile": profile})["parameters"]["jwks"]["keys"]
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(number(jwk["x"]).to_bytes(32, "big"))
    curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[jwk["crv"]]
    return ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), curve).public_key()


def verify(key, algorithm, signature, data):
    if algorithm == "EdDSA":
        return key.verify(signature, data)
    family, digest = algorithm[:2], HASHES[algorithm[2:]]
    if family == "RS":
        return key.verify(signature, data, padding.PKCS1v15(), digest)
    if family == "PS":
        return key.verify(signature, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    half = (key.curve.key_size + 7) // 8
    assert len(signature) == 2 * half, len(signature)
    pair = [int.from_bytes(part, "big") for part in (signature[:half], signature[half:])]
    return key.verify(utils.encode_dss_signature(*pair), data, ec.ECDSA(digest))


def verifies(key, algorithm, reply, data):
    try:
        verify(key, algorithm, base64.b64decode(reply["parameters"]["signature"], validate=True), data)
    except (InvalidSignature, KeyError, AssertionError):
        return False
    return True


def sign(profile, algorithm, **parameters):
    return agent.call(AGENT + "Sign", {"profile": profile, "algorithm": algorithm, **parameters})


def hashed(algorithm, data):
    return hashlib.new("sha" + (algorithm[2:] if algorithm != "EdDSA" else "512"), data)


listed = {profile["name"]: profile for profile in
          agent.call(AGENT + "ListProfiles")["parameters"]["profiles"]}
equal(listed["rsa"]["algorithms"], ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
      "ListProfiles has the algorithms")
ok("algorithms" not in listed["minting"], "... of these profiles alone", listed["minting"])

signed = []
for profile in (name for name in listed if listed[name]["kind"] == "raw"):
    key = public_key(profile)
    for algorithm in listed[profile]["algorithms"]:
        for data in b"", b"hello", b"\0\xff" * (DATA_MAX // 2):
            reply = sign(profile, algorithm, data=encode(data), reference="r")
            ok(verifies(key, algorithm, reply, data), f"{algorithm} of {len(data)} bytes", reply)
            ok(not verifies(key, algorithm, reply, data + b"."), "... of nothing else")
            signed.append((reply["parameters"]["id"], algorithm, data))
        if algorithm == "EdDSA":
            continue
        digest = hashed(algorithm, b"hello").digest()
        reply = sign(profile, algorithm, digest=encode(digest))
        ok(verifies(key, algorithm, reply, b"hello"), f"{algorithm} of a digest", reply)
        signed.append((reply["parameters"]["id"], algorithm, b"hello"))


def refused(name, parameter, profile="es256", algorithm="ES256", **parameters):
    reply = sign(profile, algorithm, **parameters)
    equal((error(reply), (reply["parameters"] or {}).get("parameter")),
          ("InvalidParameter", parameter), name + ": refused")


good = encode(hashlib.sha256(b"").digest())
refused("neither data nor digest", "data")
refused("both", "digest", data="", digest=good)
refused("a digest that is too short", "digest", digest=encode(b"x" * 31))
refused("a digest that is too long", "digest", digest=encode(b"x" * 48))
refused("no digest at all", "digest", digest="")
refused("an algorithm that is not listed", "algorithm", algorithm="ES384", data="")
refused("an algorithm of another key", "algorithm", algorithm="RS256", data="")
refused("a secret key's algorithm", "algorithm", algorithm="HS256", data="")
refused("no known algorithm", "algorithm", algorithm="none", data="")
refused("an algorithm in small letters", "algorithm", algorithm="es256", data="")
if "ed25519" in listed:
    refused("a digest with EdDSA", "digest", "ed25519", "EdDSA",
            digest=encode(hashlib.sha512(b"").digest()))
for text in "YQ", "YQ=", "YQ===", "YR==", "YWI", "YWJ=", "====", "=", "Y===", "YQ==YQ==", " YQ==", \
        "YQ==\n", "Y Q=", "-_8=", "YQ+=", "ä===":
    refused(f"{text!r}, which is not base64", "data", data=text)
refused("more data than there may be", "data", data=encode(b"x" * (DATA_MAX + 1)))
refused("data of another type", "data", data=5)
refused("an audience", "audience", data="", audience="x")

unknown = sign("nobody", "RS256", data="")
equal(error(unknown), "NotAllowed", "an unknown profile: refused")
equal(sign("forbidden", "RS256", data=""), unknown, "a forbidden one: the same answer")
equal(sign("forbidden", "XX", digest=""), unknown, "... whatever is asked for")
equal(error(sign("minting", "ES256", data="")), "NotAllowed", "a profile that mints does not sign")
equal(error(agent.mint("es256", sub="x")), "NotAllowed", "a profile that signs does not mint")

records = [json.loads(line) for line in open(sys.argv[1])]
by_id = {record["seq"]: record for record in records}
ok(all(by_id[id]["type"] == "sign" and by_id[id]["alg"] == algorithm
       and by_id[id]["digest"] == hashed(algorithm, data).hexdigest()
       for id, algorithm, data in signed), "every signature has its record, with the digest")
ok(all(record["key"] and len(record["key_digest"]) == 32 for record in
       (by_id[id] for id, _, _ in signed)), "... and the key")
ok(not any("digest" in record for record in records if "error" in record),
   "a refusal has none")
last = [(record["type"], record["profile"], record.get("allow"), record.get("error"))
        for record in records[-5:]]
equal(last, [("sign", "nobody", None, "NotAllowed"), ("sign", "forbidden", None, "NotAllowed"),
             ("sign", "forbidden", None, "NotAllowed"), ("sign", "minting", 0, "NotAllowed"),
             ("mint", "es256", 0, "NotAllowed")], "refusals are recorded")
ok(not {"audience", "alg", "kid"} & (records[-2].keys() | records[-1].keys()),
   "... without what nobody asked for", *records[-2:])
print("# done")
