"""Verifies an audit log: every line is canonical, linked to the one before, and counted.

  audit_chain.py LOG [TOKENS...]

Each token in the files TOKENS, one a line, must have its record. Prints results for include_tap."""
import hashlib
import json
import sys

DECISIONS = ["mint", "sign", "suppressed"]
ORDER = ["seq", "time", "type", "listener", "uid", "gid", "pid", "configuration", "profile", "allow", "key",
         "key_digest", "audience", "alg", "kid", "jti", "token_sha256", "reference", "error", "count", "prev"]


def ok(condition, name, *details):
    print(("ok - " if condition else "not ok - ") + name)
    for detail in [] if condition else details:
        print("# " + repr(detail)[:1000])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    lines = data.split(b"\n")
    ok(lines.pop() == b"", "the log ends with a whole line")
    broken, uncounted, strange = [], [], []
    previous, tokens = "0" * 64, set()
    for number, line in enumerate(lines, 1):
        record = json.loads(line)
        canonical = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        ordered = record["type"] not in DECISIONS or list(record) == [name for name in ORDER if name in record]
        if canonical != line or not ordered:
            strange.append(line)
        if record["prev"] != previous:
            broken.append(number)
        if record["seq"] != number:
            uncounted.append(number)
        previous = sha256(line)
        tokens.add(record.get("token_sha256"))
    ok(not strange, f"{len(lines)} canonical lines", strange[:3])
    ok(not broken, "each linked to the one before", broken)
    ok(not uncounted, "each counted", uncounted)
    if len(sys.argv) > 2:
        received = []
        for path in sys.argv[2:]:
            with open(path, "rb") as file:
                received += [line for line in file.read().split(b"\n") if line.startswith(b"eyJ")]
        lost = [token for token in received if sha256(token) not in tokens]
        ok(received and not lost, f"each of {len(received)} tokens has its record", lost[:3])


main()
