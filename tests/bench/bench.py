#!/usr/bin/env python3
"""Measures the agent against its own token and its peers, all in one run and in turn.

  bench.py [--rounds N] [--ms N] [--only PART,...] [--output DIR]

Parts: speed (everything that takes turns), slow (an HSM across a network), openssl (the provider),
fair (one greedy client beside eight), memory (idle connections, a million tokens). Writes DIR/bench.json, a table on
standard output, and plots where gnuplot is installed.
"""
import argparse
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import report

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
LIB = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
P11_KIT_CLIENT = f"/usr/lib/{LIB or 'x86_64-linux-gnu'}/pkcs11/p11-kit-client.so"
SLOW = os.path.join(BUILD, "tests/modules/.libs/slow.so")
PROVIDER = os.path.join(BUILD, "client/provider/.libs/hintsign.so")
LOADER = os.path.join(BUILD, "tests/bench/loader")
ISSUER = "https://op.example"
IDLE = 4000  # connections
WORKERS = 3 * os.cpu_count()  # what hintsign-agent.json(5) advises for SoftHSM2
CLAIMS = {"hs256": '{"sub":"01234567-89ab-cdef-0123-456789abcdef"}',
          "es256": '{"email":"bob@example.com"}', "rs256": '{"email":"bob@example.com"}',
          "sealed": '{"MSISDN":"+46701234567"}'}


class Load:
    """One or several loaders that are run together, as often as wanted."""

    def __init__(self, way, threads, depth, *arguments, processes=1, env=None):
        self.loaders = []
        for _ in range(processes):
            loader = subprocess.Popen([LOADER, way, str(threads), str(depth), *arguments], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env={**os.environ, **(env or {})})
            # One after the other: SoftHSM2 writes its token's file when somebody logs in.
            if loader.stdout.readline() != "ready\n":
                sys.exit(f"bench: a loader has failed: {' '.join(loader.args)}")
            self.loaders.append(loader)

    def begin(self, ms):
        for loader in self.loaders:
            loader.stdin.write(f"{ms}\n")
            loader.stdin.flush()

    def end(self):
        """The rates added up, the latencies of the slowest."""
        results = []
        for loader in self.loaders:
            line = loader.stdout.readline()
            if not line:
                sys.exit(f"bench: a loader has failed: {' '.join(loader.args)}")
            results.append(json.loads(line))
        total = {name: max(r[name] for r in results) for name in results[0]}
        total["rate"] = sum(r["rate"] for r in results)
        return total

    def run(self, ms):
        self.begin(ms)
        return self.end()

    def close(self):
        for loader in self.loaders:
            loader.stdin.close()
            loader.kill()
            loader.wait()


class Bench:
    """A token with keys, and the agents and peers that serve them."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        os.environ["SOFTHSM2_CONF"] = self.path("softhsm2.conf")
        os.environ["PATH"] = BUILD + ":" + os.environ["PATH"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def call(self, *command, **options):
        done = subprocess.run(command, capture_output=True, text=True, **options)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(command)}: {done.stderr}{done.stdout}")
        return done.stdout

    def start(self, *command, **options):
        process = subprocess.Popen(command, start_new_session=True, **options)
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            process.wait()

    def make_token(self):
        os.mkdir(self.path("tokens"))
        self.write("softhsm2.conf", f"directories.tokendir = {self.path('tokens')}\nlog.level = ERROR\n")
        self.write("pin", "12345678\n")
        os.chmod(self.path("pin"), 0o600)
        self.call("softhsm2-util", "--init-token", "--free", "--label", "bench", "--so-pin",
                  "12345678", "--pin", "12345678")
        self.uri = f"pkcs11:token=bench?module-path={SOFTHSM}&pin-source=file:{self.path('pin')}"
        self.call("hintsign-key", "import", "--token", self.uri, "--label", "HS256",
                  input=os.urandom(32).hex())
        self.call("hintsign-key", "generate", "--token", self.uri, "--label", "ES256", "--type", "ec:P-256")
        self.call("hintsign-key", "generate", "--token", self.uri, "--label", "RS256", "--type", "rsa:2048")
        self.call("hintsign-key", "generate", "--token", self.uri, "--label", "raw", "--type", "ec:P-256")

    def make_profiles(self):
        os.mkdir(self.path("profiles.d"))
        os.mkdir(self.path("keys"))
        allow = [{"uid": os.getuid()}]
        modrna = {"kind": "modrna", "issuer": "https://discovery.example",
                  "seal": {"alg": ["RSA-OAEP-256"], "enc": "A256GCM"}}
        ciba = {"kind": "ciba", "issuer": "https://discovery.example", "accept": {"email": "email"}}
        profiles = {
            "hs256": {"kind": "pingone", "client_id": "bench-client", "key": "HS256"},
            "es256": {**ciba, "key": "ES256"},
            "rs256": {**ciba, "key": "RS256"},
            "sealed": {**modrna, "key": "RS256"},
        }
        for name, profile in profiles.items():
            key = profile.pop("key")
            self.write(f"profiles.d/{name}.json", json.dumps(
                {"version": 1, "key": f"pkcs11:object={key}", "algorithm": key,
                 "audiences": [ISSUER], "allow": allow, **profile}))
        self.write("profiles.d/raw.json", json.dumps(
            {"version": 1, "kind": "raw", "key": "pkcs11:object=raw", "algorithms": ["ES256"], "allow": allow}))
        self.call(shutil.which("python3", path="/usr/bin") or "python3",
                  os.path.join(TOP, "tests/interop/sealed.py"), "keys", self.path("keys"), ISSUER, "rsa")
        for name in os.listdir(self.path("keys")):
            os.chmod(self.path(f"keys/{name}"), 0o644)

    def start_agent(self, name="agent", uri=None, workers=WORKERS, env=None, wrapper=()):
        """Returns the process and its socket."""
        path = self.path(f"{name}.sock")
        os.makedirs(self.path(f"{name}.state"), exist_ok=True)
        self.write(f"{name}.json", json.dumps({
            "version": 1, "workers": workers, "listeners": [{"name": "default", "path": path}],
            "admin_socket": path + ".admin",
            "tokens": [{"name": "bench", "uri": uri or self.uri, "max_sessions": workers + 2}],
            "state_dir": self.path(f"{name}.state"),
            "profiles_dir": self.path("profiles.d"), "provider_keys_dir": self.path("keys"),
            "limits": {"connections_per_uid": IDLE + 96},
            "audit": {"path": self.path(f"{name}.jsonl"), "sync": "interval"}}))
        agent = self.start(*wrapper, "hintsign-agent", "--config", self.path(f"{name}.json"),
                           stderr=open(self.path(f"{name}.log"), "w"),
                           env={**os.environ, **(env or {})})
        self.call("hintsign", "status", "--ready", "--wait", "60", env={**os.environ, "HINTSIGN_SOCKET": path})
        return agent, path

    def start_p11_kit(self):
        path = self.path("p11-kit.sock")
        self.start("p11-kit", "server", "--foreground", "--name", path, "--provider", SOFTHSM,
                   "pkcs11:token=bench", stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(path))
        return {"P11_KIT_SERVER_ADDRESS": f"unix:path={path}"}

    def start_ssh_agent(self):
        path = self.path("ssh.sock")
        self.start("ssh-agent", "-D", "-P", "/usr/lib/*", "-a", path, stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(path))
        self.write("askpass", "#!/bin/sh\necho 12345678\n")
        os.chmod(self.path("askpass"), 0o700)
        self.call("ssh-add", "-s", SOFTHSM, stdin=subprocess.DEVNULL,
                  env={**os.environ, "SSH_AUTH_SOCK": path, "SSH_ASKPASS": self.path("askpass"),
                       "SSH_ASKPASS_REQUIRE": "force"})
        return path

    def token(self, algorithm, threads, module=SOFTHSM, **options):
        return Load("token", threads, 1, module, "bench", self.path("pin"), algorithm, algorithm, **options)

    def agent(self, path, profile, clients, depth):
        return Load("agent", clients, depth, path, profile, CLAIMS[profile])


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("bench: waited in vain")
        time.sleep(0.01)


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def connect_idle(path):
    """IDLE connections that ask for nothing."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    idle = []
    for _ in range(IDLE):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        idle.append(s)
    return idle


def take_turns(loads, rounds, ms):
    """Every load a round, so that whatever else the machine does hits all alike."""
    results = {name: [] for name in loads}
    for load in loads.values():
        load.run(50)
    for _ in range(rounds):
        for name, load in loads.items():
            results[name].append(load.run(ms))
    for load in loads.values():
        load.close()
    return results


def speed_loads(bench):
    _, agent = bench.start_agent()
    p11_kit = bench.start_p11_kit()
    ssh = bench.start_ssh_agent()
    loads = {"echo 1": Load("echo", 1, 1)}
    for algorithm in "HS256", "ES256", "RS256":
        for threads in 1, 2, 64:
            loads[f"{algorithm} token {threads}"] = bench.token(algorithm, threads)
        for clients in 1, 2, 8, 64:
            loads[f"{algorithm} agent {clients}"] = bench.agent(agent, algorithm.lower(), clients, 1)
        for clients, depth in (1, 64), (2, 64), (2, 16), (8, 16):
            loads[f"{algorithm} agent {clients} x {depth}"] = bench.agent(agent, algorithm.lower(), clients, depth)
        for clients in 1, 2, 8:
            loads[f"{algorithm} p11-kit server {clients}"] = bench.token(
                algorithm, 1, P11_KIT_CLIENT, processes=clients, env=p11_kit)
    for algorithm, key_type in ("ES256", "ecdsa-sha2-nistp256"), ("RS256", "ssh-rsa"):
        for clients in 1, 8:
            loads[f"{algorithm} ssh-agent {clients}"] = Load("ssh-agent", clients, 1, ssh, key_type)
    for clients, depth in (1, 1), (2, 16):
        loads[f"sealed agent {clients} x {depth}"] = bench.agent(agent, "sealed", clients, depth)
    return loads


def measure_slow(bench, rounds, ms):
    results = {}
    for delay_ms, workers in (1, 16), (2, 16), (5, 16), (10, 16), (10, 64):
        env = {"SLOW_MODULE": SOFTHSM, "SLOW_SIGN_US": str(delay_ms * 1000)}
        uri = bench.uri.replace(SOFTHSM, SLOW)
        _, path = bench.start_agent(f"slow{delay_ms}-{workers}", uri, workers, env)
        results.update(take_turns({
            f"{delay_ms} ms token {workers}": bench.token("HS256", workers, SLOW, env=env),
            f"{delay_ms} ms agent {workers}": bench.agent(path, "hs256", workers, 1)}, rounds, max(ms, 500)))
    return results


def measure_openssl(bench, rounds):
    """ES256 through OpenSSL's provider and through libhintsign, by turns in one process."""
    _, path = bench.start_agent("openssl")
    bench.write("openssl.cnf", "openssl_conf = a\n[a]\nproviders = b\n[b]\ndefault = c\nhintsign = d\n"
                f"[c]\nactivate = 1\n[d]\nactivate = 1\nmodule = {PROVIDER}\n")
    env = {**os.environ, "OPENSSL_CONF": bench.path("openssl.cnf"), "HINTSIGN_SOCKET": path,
           "OPENSSL_MODULES": os.path.dirname(PROVIDER)}
    results = {"ES256 OpenSSL 8": [], "ES256 libhintsign 8": []}
    for _ in range(rounds):
        said = bench.call(os.path.join(BUILD, "tests/interop/evp_client"), "compare", "raw", "8", "2000", env=env)
        for name, us in zip(results, re.findall(r"\d+", said)):
            results[name].append({"rate": 8e6 / int(us), "p50": int(us), "p99": int(us)})
    return results


def measure_fair(bench, rounds, ms):
    _, path = bench.start_agent("fair")
    eight, greedy = bench.agent(path, "hs256", 8, 1), bench.agent(path, "hs256", 1, 1024)
    results = {"eight alone": [], "eight beside one": []}
    for _ in range(rounds):
        results["eight alone"].append(eight.run(ms))
        greedy.begin(ms + 200)
        time.sleep(0.1)
        results["eight beside one"].append(eight.run(ms))
        greedy.end()
    eight.close()
    greedy.close()
    return results


def measure_memory(bench):
    agent, path = bench.start_agent("memory")
    load = bench.agent(path, "hs256", 2, 64)
    memory, minted = {}, 0
    while minted < 1000000:
        minted += load.run(300)["rate"] * 0.3
        if minted >= 10000:
            memory.setdefault("after 10,000 tokens", resident_kib(agent.pid))
    memory["after 1,000,000 tokens"] = resident_kib(agent.pid)
    load.close()
    before = resident_kib(agent.pid)
    idle = connect_idle(path)
    one = bench.agent(path, "hs256", 1, 1)
    one.run(300)
    one.close()
    memory[f"each of {IDLE:,} idle connections"] = (resident_kib(agent.pid) - before) / IDLE
    for s in idle:
        s.close()
    return memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--ms", type=int, default=200)
    parser.add_argument("--only", default="speed,slow,openssl,fair,memory")
    parser.add_argument("--output", default="bench")
    options = parser.parse_args()
    parts = options.only.split(",")
    bench = Bench(tempfile.mkdtemp(prefix="hintsign-bench."))
    data = {"machine": report.machine(), "rounds": options.rounds, "ms": options.ms, "runs": {}, "memory": {}}
    try:
        bench.make_token()
        bench.make_profiles()
        if "speed" in parts:
            data["runs"].update(take_turns(speed_loads(bench), options.rounds, options.ms))
        if "slow" in parts:
            data["runs"].update(measure_slow(bench, min(options.rounds, 7), options.ms))
        if "openssl" in parts and os.path.exists(PROVIDER):
            data["runs"].update(measure_openssl(bench, min(options.rounds, 7)))
        if "fair" in parts:
            data["runs"].update(measure_fair(bench, options.rounds, max(options.ms, 500)))
        if "memory" in parts:
            data["memory"] = measure_memory(bench)
    finally:
        bench.end()
        shutil.rmtree(bench.folder)
    report.write(data, options.output)


if __name__ == "__main__":
    main()
