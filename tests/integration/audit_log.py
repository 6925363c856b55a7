"""Writes an audit log with checkpoints, as the agent does, and the key set that verifies them.

  audit_log.py FOLDER RECORDS TAIL

FOLDER/log.jsonl has RECORDS records, a checkpoint behind them and, behind that, TAIL more records.
Record 2 is refused, record 3 has control characters in it. FOLDER/keys.json is the JWK Set,
FOLDER/private.json one with a private key, FOLDER/expect the checkpoint as the agent writes it into its log."""
import base64
import hashlib
import json
import subprocess
import sys


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Log:
    def __init__(self, folder):
        self.lines, self.hashes, self.folder = [], [], folder
        openssl("genpkey", "-algorithm", "ED25519", "-out", f"{folder}/key.pem")

    def time(self):
        minutes, seconds = divmod(len(self.lines) % 3600, 60)
        return f"2026-01-31T12:{minutes:02}:{seconds:02}.000000Z"

    def add(self, kind, **members):
        record = {"seq": len(self.lines) + 1, "time": self.time(), "type": kind, **members,
                  "prev": self.hashes[-1] if self.hashes else "0" * 64}
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        self.lines.append(line)
        self.hashes.append(hashlib.sha256(line).hexdigest())

    def checkpoint(self):
        covers = len(self.lines)
        statement = {"covers": covers, "sha256": self.hashes[-1], "time": self.time()}
        data = b"hintsign audit checkpoint\n" + json.dumps(statement, separators=(",", ":")).encode()
        with open(f"{self.folder}/statement", "wb") as file:
            file.write(data)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", f"{self.folder}/key.pem",
                            "-in", f"{self.folder}/statement")
        self.add("checkpoint", covers=covers, sha256=statement["sha256"], alg="EdDSA", kid="audit-1",
                 signature=base64url(signature))
        return f"{covers}:{statement['sha256']}"

    def write_keys(self, name, **members):
        der = openssl("pkey", "-in", f"{self.folder}/key.pem", "-pubout", "-outform", "DER")
        key = {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:]), "kid": "audit-1", **members}
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            json.dump({"keys": [key]}, file)


def main():
    folder, records, tail = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    log = Log(folder)
    for n in range(1, records + tail + 1):
        members = {"listener": "default", "uid": 1000 + n % 2, "profile": "acme" if n % 3 else "bank",
                   "alg": "HS256", "reference": f"order {n}"}
        if n == 2:
            members["error"] = "NotAllowed"
        if n == 3:
            members.update(reference="\x7f\x9b31m", unit="portal.service")
        log.add("mint", **members)
        if n == records:
            expect = log.checkpoint()
    with open(f"{folder}/log.jsonl", "wb") as file:
        file.writelines(line + b"\n" for line in log.lines)
    log.write_keys("keys.json", use="sig")
    log.write_keys("private.json", d=base64url(b"0" * 32))
    with open(f"{folder}/expect", "w", encoding="ascii") as file:
        file.write(expect)


main()
