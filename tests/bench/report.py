"""Turns what bench.py measured into a table, JSON and plots."""
import json
import os
import shutil
import statistics
import subprocess

# A figure over a yardstick, with what is at least (or at most) asked for, if anything is.
RATIOS = [
    # name, figure, of, yardsticks (added up), of, at least or at most, limit
    ("HS256, 2 clients 64 deep / token 2", "HS256 agent 2 x 64", "rate", ["HS256 token 2"], ">=", 0.65),
    ("HS256, 2 clients 64 deep / p11-kit server 2", "HS256 agent 2 x 64", "rate", ["HS256 p11-kit server 2"], ">=", 3),
    ("HS256, the token itself with 2 threads / p11-kit server 2", "HS256 token 2", "rate", ["HS256 p11-kit server 2"], "", None),
    ("HS256, one at a time / echo + token (p50)", "HS256 agent 1", "p50", ["echo 1", "HS256 token 1"], "<=", 1.4),
    ("HS256, one at a time / p11-kit server (p50)", "HS256 agent 1", "p50", ["HS256 p11-kit server 1"], "<=", 1),
    ("ES256, 8 clients / token 2", "ES256 agent 8", "rate", ["ES256 token 2"], ">=", 0.5),
    ("ES256, 8 clients 16 deep / token 2", "ES256 agent 8 x 16", "rate", ["ES256 token 2"], ">=", 0.7),
    ("ES256, 8 clients / ssh-agent 8", "ES256 agent 8", "rate", ["ES256 ssh-agent 8"], ">=", 5),
    ("RS256, 2 clients 16 deep / token 2", "RS256 agent 2 x 16", "rate", ["RS256 token 2"], ">=", 0.88),
    ("sealed, 2 clients 16 deep / token 2", "sealed agent 2 x 16", "rate", ["RS256 token 2"], ">=", 0.88),
    ("10 ms, 64 workers and clients / token 64", "10 ms agent 64", "rate", ["10 ms token 64"], ">=", 0.95),
    ("2 ms, 16 workers and clients / token 16", "2 ms agent 16", "rate", ["2 ms token 16"], ">=", 0.9),
    ("ES256, 8 threads through OpenSSL / through libhintsign", "ES256 OpenSSL 8", "rate", ["ES256 libhintsign 8"], ">=", 0.8),
    ("p99 of eight beside a greedy one / alone", "eight beside one", "p99", ["eight alone"], "<=", 3),
]


VERDICTS = {True: "holds", False: "FALLS SHORT", None: ""}


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release}


def median(runs, name, of):
    return statistics.median(run[of] for run in runs[name])


def spread(values):
    ordered = sorted(values)
    n = len(ordered)
    return ordered[n // 2], ordered[n // 10], ordered[n - 1 - n // 10]


def ratios(runs):
    for name, figure, of, yardsticks, sign, limit in RATIOS:
        if figure not in runs or any(y not in runs for y in yardsticks):
            continue
        # Round by round, so that drift cancels.
        rounds = [runs[figure][i][of] / sum(runs[y][i][of] for y in yardsticks)
                  for i in range(len(runs[figure]))]
        middle, low, high = spread(rounds)
        good = limit and (middle >= limit if sign == ">=" else middle <= limit)
        yield {"name": name, "median": middle, "low": low, "high": high,
               "wanted": f"{sign} {limit}" if limit else "", "holds": good}


def table(data):
    runs = data["runs"]
    lines = [f"{data['machine']['cpu']}, {data['machine']['cores']} cores, Linux {data['machine']['kernel']}; "
             f"{data['rounds']} rounds of {data['ms']} ms", ""]
    if runs:
        lines += ["| what | a second | spread | p50 µs | p99 µs |", "|---|---:|---:|---:|---:|"]
    for name in runs:
        middle, low, high = spread([run["rate"] for run in runs[name]])
        lines.append(f"| {name} | {middle:,.0f} | {low:,.0f}-{high:,.0f} | "
                     f"{median(runs, name, 'p50'):,.1f} | {median(runs, name, 'p99'):,.1f} |")
    found = list(ratios(runs))
    if found:
        lines += ["", "| ratio | median | spread | wanted | |", "|---|---:|---:|---:|---|"]
    for r in found:
        lines.append(f"| {r['name']} | {r['median']:.2f} | {r['low']:.2f}-{r['high']:.2f} | {r['wanted']} | "
                     f"{VERDICTS[r['holds']]} |")
    for name, kib in data["memory"].items():
        lines.append(f"\n{name}: {kib:,.1f} KiB resident")
    return "\n".join(lines) + "\n"


def plot(folder, name, title, x_label, y_label, series, logarithmic):
    """series: name -> list of (x, y)."""
    commands = [f"set terminal svg size 720,420; set output '{folder}/{name}.svg'",
                f"set title '{title}'; set xlabel '{x_label}'; set ylabel '{y_label}'; set key outside; set grid",
                f"set logscale {logarithmic}" if logarithmic else "",
                "plot " + ", ".join(f"'-' with linespoints title '{s}'" for s in series)]
    for points in series.values():
        commands += [f"{x} {y}" for x, y in points] + ["e"]
    subprocess.run(["gnuplot"], input="\n".join(commands), text=True, check=True)


def plots(data, folder):
    runs = data["runs"]

    def rates(prefix, counts):
        return [(n, median(runs, f"{prefix} {n}", "rate")) for n in counts if f"{prefix} {n}" in runs]

    for algorithm in "HS256", "ES256", "RS256":
        if f"{algorithm} agent 1" not in runs:
            continue
        series = {"token alone": rates(f"{algorithm} token", (1, 2, 64)),
                  "hintsign-agent": rates(f"{algorithm} agent", (1, 2, 8, 64)),
                  "p11-kit server": rates(f"{algorithm} p11-kit server", (1, 2, 8)),
                  "ssh-agent": rates(f"{algorithm} ssh-agent", (1, 8))}
        plot(folder, f"throughput-{algorithm}", f"{algorithm}: throughput, one at a time", "clients",
             "signatures a second", {k: v for k, v in series.items() if v}, "x 2")
    if "HS256 agent 1" in runs:
        points = ("p10", 10), ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9)
        series = {name: [(median(runs, name, p), share) for p, share in points]
                  for name in ("echo 1", "HS256 token 1", "HS256 agent 1", "HS256 p11-kit server 1")}
        plot(folder, "latency-HS256", "HS256, one client: latency", "µs", "% of calls not slower", series, "x")
    if "10 ms agent 16" in runs:
        series = {name: [(ms, median(runs, f"{ms} ms {who} 16", "rate")) for ms in (1, 2, 5, 10)]
                  for name, who in (("token alone", "token"), ("hintsign-agent", "agent"))}
        plot(folder, "slow-hsm", "HS256, an HSM across a network, 16 at a time", "ms that it takes to sign",
             "signatures a second", series, "")


def write(data, folder):
    os.makedirs(folder, exist_ok=True)
    data["ratios"] = list(ratios(data["runs"]))
    with open(os.path.join(folder, "bench.json"), "w") as file:
        json.dump(data, file, indent=1)
    text = table(data)
    with open(os.path.join(folder, "bench.md"), "w") as file:
        file.write(text)
    print(text, end="")
    if shutil.which("gnuplot"):
        plots(data, folder)
