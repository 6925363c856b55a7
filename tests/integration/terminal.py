#!/usr/bin/env python3
"""Runs a command on a terminal of its own, as a person would.

    terminal.py [WAIT_FOR TYPE]... -- COMMAND...

waits until the terminal shows WAIT_FOR, types TYPE (with \\r, \\x03, ... as in Python), and so on;
then waits for the end. Prints everything that the terminal showed, and whether it echoes at the
end. The exit status is the command's, 128 + N after signal N.
"""
import os
import pty
import select
import sys
import termios

LIMIT = 60  # seconds without anything new


def main():
    split = sys.argv.index("--")
    words, command = sys.argv[1:split], sys.argv[split + 1:]
    steps = [(words[i].encode(), words[i + 1].encode().decode("unicode_escape").encode())
             for i in range(0, len(words), 2)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown, seen = b"", 0
    while True:
        if steps and steps[0][0] in shown[seen:]:
            expected, typed = steps.pop(0)
            seen = len(shown)
            os.write(terminal, typed)
        if not select.select([terminal], [], [], LIMIT)[0]:
            print("terminal.py: nothing happens", file=sys.stderr)
            os.kill(pid, 9)
        try:
            data = os.read(terminal, 4096)
        except OSError:  # EIO: nobody has the other side any more
            data = b""
        if not data:
            break
        shown += data
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
    echo = termios.tcgetattr(terminal)[3] & termios.ECHO
    print("echo=" + ("on" if echo else "off"))
    for expected, _ in steps:
        print("terminal.py: never shown: " + expected.decode(), file=sys.stderr)
    sys.exit(status if status >= 0 else 128 - status)


main()
