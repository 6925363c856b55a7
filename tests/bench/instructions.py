#!/usr/bin/env python3
"""Counts with callgrind what one HS256 token costs the agent, by where the instructions are spent.

What is inside the PKCS #11 module is the token's own work. The digests of libcrypto (two SHA-256 of
the audit log) are shown apart: callgrind runs them without the processor's SHA instructions. What
libhintsign does for its caller is counted in a run of its own.

  instructions.py [-v] [--idle]    -v: by caller and function; --idle: beside idle connections
"""
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

import bench

DIGESTS = re.compile(r"EVP_(Digest|MD_CTX)")


class Profile:
    """A callgrind dump: what each object spends itself, and the calls that leave the agent."""

    def __init__(self, path, program="hintsign-agent"):
        self.program = program
        self.total = 0
        self.calls = defaultdict(int)     # (caller, function) of the program -> instructions within
        self.module = self.digests = 0    # inclusive
        self.names = {}
        self.read(path)

    def name(self, kind, text):
        """Callgrind writes a name once, "(7) name", and then "(7)"."""
        match = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not match:
            return text
        key = (kind, match[1])
        if match[2] is not None:
            self.names[key] = match[2]
        return self.names[key]

    def read(self, path):
        obj = function = called_object = called = None
        in_call = False
        for line in open(path):
            line = line.rstrip("\n")
            if match := re.match(r"(c?ob|c?fn)=(.*)", line):
                kind = match[1][-2:]
                name = self.name(kind, match[2])
                if match[1] == "ob":
                    obj = name
                elif match[1] == "cob":
                    called_object = name
                elif match[1] == "fn":
                    function, called_object = name, None
                elif match[1] == "cfn":
                    called = name
            elif line.startswith("calls="):
                in_call = True
            elif match := re.match(r"[+\-*\d]\S* (\d+)$", line):
                cost = int(match[1])
                if in_call:
                    self.add_call(obj, called_object or obj, function, called, cost)
                    in_call, called_object = False, None
                else:
                    self.total += cost
                    if obj.endswith(self.program):
                        self.calls[function, ""] += cost

    def add_call(self, caller, callee, calling, function, cost):
        if not caller.endswith(self.program):
            return
        self.calls[calling, function] += cost
        if "softhsm" in callee:
            self.module += cost
        elif DIGESTS.match(function):
            self.digests += cost


def count(bench_, idle):
    """Returns the profiles of 8 and of 24 batches of 64 tokens."""
    out = bench_.path("callgrind")
    agent, path = bench_.start_agent(wrapper=["valgrind", "--tool=callgrind", "--instr-atstart=no",
                                              f"--callgrind-out-file={out}"])
    connections = bench.connect_idle(path) if idle else []
    load = bench_.agent(path, "hs256", 1, 64)

    def mint(times):
        for _ in range(times):
            load.run(0)

    mint(1)
    bench_.call("callgrind_control", "--instr=on", str(agent.pid))
    mint(2)
    for times in 8, 24:
        bench_.call("callgrind_control", "--zero", str(agent.pid))
        mint(times)
        bench_.call("callgrind_control", "--dump", str(agent.pid))
    load.close()
    del connections
    return Profile(out + ".1"), Profile(out + ".2")


def count_library(bench_):
    """Returns what libhintsign spends on a token, pipelined, from the first byte to the last."""
    _, path = bench_.start_agent("beside")

    def spent(batches):
        out = bench_.path(f"library.{batches}")
        load = ["agent", "1", "64", path, "hs256", bench.CLAIMS["hs256"]]
        bench_.call(os.path.join(bench.BUILD, "libtool"), "--mode=execute", "valgrind", "--tool=callgrind",
                    f"--callgrind-out-file={out}", bench.LOADER, *load, input="0\n" * batches)
        calls = Profile(out, "loader").calls
        return sum(cost for (_, function), cost in calls.items() if function == "hintsign_mint_many")

    return (spent(24) - spent(8)) / (16 * 64)


def main():
    bench_ = bench.Bench(tempfile.mkdtemp(prefix="hintsign-bench."))
    try:
        bench_.make_token()
        bench_.make_profiles()
        few, many = count(bench_, "--idle" in sys.argv)
        library = count_library(bench_)
    finally:
        bench_.end()
        bench.shutil.rmtree(bench_.folder)
    tokens = 16 * 64

    def each(of):
        return (of(many) - of(few)) / tokens

    total, module, digests = each(lambda p: p.total), each(lambda p: p.module), each(lambda p: p.digests)
    print(f"a token: {total:,.0f} instructions, of them in the module {module:,.0f}, "
          f"in digests {digests:,.0f}, the agent's own {total - module - digests:,.0f}; "
          f"libhintsign's {library:,.0f}\n")
    if "-v" in sys.argv:
        for name in sorted(many.calls, key=lambda name: few.calls[name] - many.calls[name])[:70]:
            print(f"{(many.calls[name] - few.calls[name]) / tokens:9,.0f}  {name[0]} {name[1] and '-> ' + name[1]}")


if __name__ == "__main__":
    main()
