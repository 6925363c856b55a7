"""Runs a command under what a unit of systemd imposes, where no systemd runs: to be started as root
behind `unshare --mount --net --ipc --uts`.

Usage: confine.py UNIT UID WRITABLE COMMAND [ARGUMENT...]

User and group, capabilities, limits, a file system of which only the folder WRITABLE can be
written, and the unit's filters of system calls. What it does not know of the unit's [Service] it
leaves out: other processes' view, devices, /proc."""
import ctypes
import errno
import os
import platform
import re
import resource
import struct
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 22, 24, 38
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
PROT_WRITE, PROT_EXEC = 2, 4
CLONE_NEW = 0x7E020080

# Classic BPF over struct seccomp_data: the number, the architecture and the arguments' low halves.
LOAD, EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
NUMBER, ARCHITECTURE = 0, 4
ALLOW, KILL = 0x7FFF0000, 0x80000000


def argument(index):
    return 16 + 8 * index


def fail_with(error):
    return (RETURN, 0, 0, 0x50000 | error)


def settings(unit):
    """Every assignment: name -> values in their order."""
    result = {}
    with open(unit) as file:
        for name, value in re.findall(r"^(\w+)=(.*)$", file.read(), re.M):
            result.setdefault(name, []).append(value)
    return result


def expand(name):
    """The names of a group of system calls, or of one."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True,
                          capture_output=True, text=True).stdout
    members = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(expand(member) for member in members if member and member[0] != "#"))


def allowed_calls(filters):
    allowed = set()
    for words in filters:
        names = set().union(*(expand(word) for word in words.lstrip("~").split()))
        allowed = allowed - names if words.startswith("~") else allowed | names
    return allowed


def call_numbers():
    text = subprocess.run([os.environ.get("CC", "cc"), "-E", "-dM", "-include", "sys/syscall.h",
                           "-x", "c", "/dev/null"], check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", text)}


def make_filter(unit, numbers):
    # One that an argument decides ends in a decision, or loads the number again for what follows.
    def when(name, *steps):
        steps = steps + ((LOAD, 0, 0, NUMBER),)
        return [(EQUAL, 0, len(steps), numbers[name])] + list(steps) if name in numbers else []

    families = [FAMILIES[name] for name in unit["RestrictAddressFamilies"][-1].split()]
    last = len(families)
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURES[platform.machine()]),
               (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    program += when("socket", (LOAD, 0, 0, argument(0)),
                    *((EQUAL, last - i, 0, family) for i, family in enumerate(families)),
                    fail_with(errno.EAFNOSUPPORT))
    both = PROT_WRITE | PROT_EXEC
    program += when("mmap", (LOAD, 0, 0, argument(2)), (AND, 0, 0, both), (EQUAL, 0, 1, both),
                    fail_with(errno.EPERM))
    program += when("mprotect", (LOAD, 0, 0, argument(2)), (AND, 0, 0, PROT_EXEC),
                    (EQUAL, 0, 1, PROT_EXEC), fail_with(errno.EPERM))
    program += when("clone", (LOAD, 0, 0, argument(0)), (AND, 0, 0, CLONE_NEW), (EQUAL, 1, 0, 0),
                    fail_with(errno.EPERM))
    program += when("clone3", fail_with(errno.ENOSYS))
    for name in ("unshare", "setns"):
        program += when(name, fail_with(errno.EPERM))
    for name in sorted(allowed_calls(unit["SystemCallFilter"])):
        if name in numbers:
            program += [(EQUAL, 0, 1, numbers[name]), (RETURN, 0, 0, ALLOW)]
    return program + [fail_with(errno.EPERM)]


def check(result, what):
    if result != 0:
        sys.exit(f"confine.py: {what}: {os.strerror(ctypes.get_errno())}")


def mount_read_only(writable):
    check(subprocess.call(["mount", "--make-rprivate", "/"]), "mount")
    check(subprocess.call(["mount", "--bind", writable, writable]), "mount")
    check(subprocess.call(["mount", "-o", "remount,bind,ro", "/"]), "mount")


def limit(unit):
    for name in ("CORE", "NOFILE", "MEMLOCK"):
        value = unit[f"Limit{name}"][-1]
        number = resource.RLIM_INFINITY if value == "infinity" else int(value)
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (number, number))
        except (ValueError, PermissionError):
            pass  # not every root may raise a limit


def drop_privileges(uid):
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def load_filter(program):
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HP", len(program), ctypes.addressof(buffer))
    check(libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(header), 0, 0), "seccomp")


def main():
    unit, uid, writable, command = settings(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    if platform.machine() not in ARCHITECTURES:
        sys.exit("confine.py: unknown architecture")
    program = make_filter(unit, call_numbers())
    mount_read_only(writable)
    limit(unit)
    os.umask(int(unit["UMask"][-1], 8))
    drop_privileges(uid)
    load_filter(program)
    os.execv(command[0], command)


main()
