"""Holds agent/jose against jwcrypto, PyJWT and npm jose: every algorithm, content encryption and
type of key, in both directions. Prints results for include_tap of lib.sh, and a table.

Usage: jose_matrix.py JOSE_TOOL [NODE JOSE_PEER]
"""

import json
import subprocess
import sys

import jwt
from jwcrypto import jwe, jwk, jws

KEYS = {
    "RSA": {"kty": "RSA", "size": 2048},
    "P-256": {"kty": "EC", "crv": "P-256"},
    "P-384": {"kty": "EC", "crv": "P-384"},
    "P-521": {"kty": "EC", "crv": "P-521"},
    "X25519": {"kty": "OKP", "crv": "X25519"},
    "Ed25519": {"kty": "OKP", "crv": "Ed25519"},
    "secret": {"kty": "oct", "size": 512},
}
RSA, CURVES = ["RSA"], ["P-256", "P-384", "P-521", "X25519"]
SEALS = {
    "RSA-OAEP": RSA,
    "RSA-OAEP-256": RSA,
    "ECDH-ES": CURVES,
    "ECDH-ES+A128KW": CURVES,
    "ECDH-ES+A256KW": CURVES,
}
ENCS = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"]
SIGNS = {
    "HS256": ["secret"], "HS384": ["secret"], "HS512": ["secret"],
    "RS256": RSA, "RS384": RSA, "RS512": RSA,
    "PS256": RSA, "PS384": RSA, "PS512": RSA,
    "ES256": ["P-256"], "ES384": ["P-384"], "ES512": ["P-521"],
    "EdDSA": ["Ed25519"],
}
DATA = '{"iss":"Zoë","n":[1,2,3]}'


class Failed(Exception):
    pass


class Peer:
    """A program that answers a JSON object a line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __getattr__(self, command):
        def ask(**request):
            line = json.dumps(dict(request, do=command)) + "\n"
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
            reply = json.loads(self.process.stdout.readline())
            if "error" in reply:
                raise Failed(reply["error"])
            return reply["result"]
        return ask

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Jwcrypto:
    """The same commands with jwcrypto."""

    @staticmethod
    def seal(alg, enc, key, kid, data):
        header = {"alg": alg, "enc": enc, "kid": kid, "cty": "JWT"}
        token = jwe.JWE(data.encode(), json.dumps(header), algs=[alg, enc])
        token.add_recipient(jwk.JWK(**key))
        return token.serialize(compact=True)

    @staticmethod
    def open(alg, enc, key, token):
        opened = jwe.JWE(algs=[alg, enc])
        opened.deserialize(token, jwk.JWK(**key))
        return opened.payload.decode()

    @staticmethod
    def sign(alg, key, data):
        token = jws.JWS(data.encode())
        token.add_signature(jwk.JWK(**key), alg, json.dumps({"alg": alg, "typ": "JWT"}))
        return token.serialize(compact=True)

    @staticmethod
    def thumbprint(key):
        return jwk.JWK(**key).thumbprint()


class PyJWT:
    @staticmethod
    def sign(alg, key, data):
        return jwt.api_jws.encode(data.encode(), jwt.PyJWK(key, alg).key, alg)


class Table:
    """What was tried, a row for each combination and a column for each way."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, name, cells):
        """`cells` is a function for each column that must give what is wanted, or None."""
        results, details = [], []
        for column, cell in zip(self.columns, cells):
            if cell is None:
                results.append("-")
                continue
            try:
                cell()
                results.append("ok")
            except Exception as error:
                results.append("FAILED")
                details.append(f"# {column}: {error!r}")
        self.rows.append([name] + results)
        print(("not ok" if details else "ok") + f" - {self.title}: {name}")
        for detail in details:
            print(detail)

    def show(self):
        widths = [max(len(row[i]) for row in [[self.title] + self.columns] + self.rows)
                  for i in range(len(self.columns) + 1)]
        for row in [[self.title] + self.columns] + self.rows:
            print("# " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print("#")


def must_be(wanted, got):
    if got != wanted:
        raise Failed(f"{got!r} instead of {wanted!r}")


def must_fail(function, **arguments):
    try:
        got = function(**arguments)
    except Failed:
        return
    raise Failed(f"{got!r} instead of a refusal")


def tampered(token):
    """The first character behind the last dot counts in full."""
    head, last = token.rsplit(".", 1)
    return head + "." + ("A" if last[0] != "A" else "B") + last[1:]


private = {name: json.loads(jwk.JWK.generate(**how).export()) for name, how in KEYS.items()}
public = {name: json.loads(jwk.JWK(**key).export_public()) for name, key in private.items()
          if name != "secret"}
ours = Peer(sys.argv[1])
npm = Peer(*sys.argv[2:]) if len(sys.argv) > 2 else None


def sealed_by_us(library, alg, enc, key):
    def run():
        token = ours.seal(alg=alg, enc=enc, key=public[key], kid="k1", data=DATA)
        must_be(DATA, library.open(alg=alg, enc=enc, key=private[key], token=token))
    return run if library else None


def opened_by_us(library, alg, enc, key):
    def run():
        token = library.seal(alg=alg, enc=enc, key=public[key], kid="k1", data=DATA)
        must_be(DATA, ours.open(key=private[key], token=token))
        must_fail(ours.open, key=private[key], token=tampered(token))
    return run if library else None


def verified_by_us(library, alg, key):
    def run():
        token = library.sign(alg=alg, key=private[key], data=DATA)
        verifier = public.get(key, private[key])
        must_be(DATA, ours.verify(alg=alg, key=verifier, token=token))
        must_fail(ours.verify, alg=alg, key=verifier, token=tampered(token))
    return run if library else None


def same_thumbprint(library, key):
    def run():
        written = json.loads(ours.jwk(key=public[key]))
        must_be(public[key], written)
        must_be(library.thumbprint(key=written), ours.thumbprint(key=public[key]))
    return run if library else None


seals = Table("encrypted", ["we -> jwcrypto", "jwcrypto -> us", "we -> npm jose", "npm jose -> us"])
for alg, keys in SEALS.items():
    for enc in ENCS:
        for key in keys:
            seals.add(f"{alg} {enc} {key}", [
                sealed_by_us(Jwcrypto, alg, enc, key), opened_by_us(Jwcrypto, alg, enc, key),
                sealed_by_us(npm, alg, enc, key), opened_by_us(npm, alg, enc, key)])

signs = Table("signed", ["jwcrypto -> us", "PyJWT -> us", "npm jose -> us"])
for alg, keys in SIGNS.items():
    for key in keys:
        signs.add(f"{alg} {key}", [verified_by_us(library, alg, key)
                                   for library in (Jwcrypto, PyJWT, npm)])

prints = Table("thumbprint", ["jwcrypto", "npm jose"])
for key in public:
    prints.add(key, [same_thumbprint(library, key) for library in (Jwcrypto, npm)])

for table in seals, signs, prints:
    table.show()
for name, peer in ("jose_tool", ours), ("npm jose", npm):
    if peer:
        print(("ok" if peer.close() == 0 else "not ok") + f" - {name} ends well")
