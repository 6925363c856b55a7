#!/usr/bin/env python3
"""Counts where strings occur in the memory of a process, all its mappings.

    scan_memory.py PID NAME...

Prints a number for each. The strings are the values of these environment variables: as arguments, they
would be seen.
"""
import os
import sys


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            area, rights, *_, name = (line.split(None, 5) + [""])[:6]
            if rights.startswith("r") and name.strip() not in ("[vvar]", "[vsyscall]"):
                start, end = (int(number, 16) for number in area.split("-"))
                yield start, end


def main():
    wanted = [os.environ[name].encode() for name in sys.argv[2:]]
    counts = [0] * len(wanted)
    with open(f"/proc/{sys.argv[1]}/mem", "rb", buffering=0) as memory:
        for start, end in mappings(sys.argv[1]):
            data = b""
            while start + len(data) < end:
                memory.seek(start + len(data))
                try:
                    more = memory.read(end - start - len(data))
                except OSError:
                    break  # a mapping beyond the end of its file
                if not more:
                    break
                data += more
            for i, string in enumerate(wanted):
                counts[i] += data.count(string)
    print(*counts)


main()
