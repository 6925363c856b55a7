#!/usr/bin/env python3
"""A small service manager: holds a listening socket and starts a program on it, again and again.

  supervise.py SOCKET STATUSES COMMAND...

The socket is passed as systemd does (sd_listen_fds(3)), by the name "default". Each exit status is
a line in STATUSES. SIGTERM ends the program and then the manager, with the program's status.
"""
import os
import signal
import socket
import sys
import time

path, statuses, command = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(1024)
child = 0
ending = False


def end(_signal, _frame):
    global ending
    ending = True
    os.kill(child, signal.SIGTERM)


def start():
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "default"}
        os.execvpe(command[0], command, {**os.environ, **environment})
    return pid


child = start()
signal.signal(signal.SIGTERM, end)
while True:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(statuses, "a") as file:
        file.write(f"{status}\n")
    if ending:
        sys.exit(abs(status))
    time.sleep(0.1)
    child = start()
