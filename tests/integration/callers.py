"""Calls the agent through a process that has exited when it looks: callers.py UID CGROUP READY
[--reuse] PROFILE...  (needs root, and an agent that is stopped.)

The process enters the cgroup ("-": none) and connects as that user. After it has exited, the file
READY is made, so that the agent can go on. With --reuse another process gets its number first, and
enters the cgroup in its place. Prints one line for each profile: "token", or the error."""
import os
import socket
import sys

sys.path.insert(0, os.environ["top_srcdir"] + "/tests/integration")
from varlink_client import *


def enter(cgroup):
    with open(cgroup + "/cgroup.procs", "w") as file:
        file.write("0")


def connect(client, uid, cgroup):
    """In a child that exits; returns the number it had."""
    child = os.fork()
    if child == 0:
        if cgroup != "-":
            enter(cgroup)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        client.connect(SOCKET)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("cannot connect")
    return child


def take_number(pid, cgroup):
    """A process with that number lives in the cgroup until this one ends."""
    read, write = os.pipe()
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(pid - 1))
    child = os.fork()
    if child == 0:
        os.close(write)
        enter(cgroup)
        os.read(read, 1)
        os._exit(0)
    if child != pid:
        sys.exit(f"the number {pid} could not be had again: {child}")
    while f"/{os.path.basename(cgroup)}\n" not in open(f"/proc/{pid}/cgroup").read():
        pass


class Given(Client):
    def __init__(self, made):
        self.socket = made
        self.data = b""


uid, cgroup, ready = int(sys.argv[1]), sys.argv[2], sys.argv[3]
reuse = sys.argv[4] == "--reuse"
made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
made.settimeout(TIMEOUT)
pid = connect(made, uid, "-" if reuse else cgroup)
if reuse:
    take_number(pid, cgroup)
open(ready, "w").close()
with Given(made) as client:
    for profile in sys.argv[5 if reuse else 4:]:
        client.send(encode(AGENT + "Mint", {"profile": profile, "claims": {"sub": "bob"}}))
        reply = json.loads(client.read())
        print(profile, reply["error"].split(".")[-1] if "error" in reply else "token")
