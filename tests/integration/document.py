#!/usr/bin/env python3
"""Turns a document into a script that has each of its commands done (house.sh).

  document.py FILE          below $top_srcdir

Commands are the indented blocks of a Markdown file (what is fenced is something else), and the
lines behind a prompt, "$ " or "# ", in the displays of a manual page; elsewhere too, what begins
with the name of a program. Those whose paragraph before ends with "(needs SOMETHING)" are left to
people. The lines of the script:

    section TITLE
    example TEXT               what is fenced or displayed and is no command
    perform NAME COMMAND       one command, whole; NAME is file, line and how it begins
    leave NAME "needs SOMETHING"
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap


def markdown(lines):
    """("section", title), ("example", text) and ("block", paragraph before, first line, lines)."""
    paragraph, i = "", 0
    while i < len(lines):
        begin = i
        if re.match(" *```", lines[i]):
            i = next(j for j in range(i + 1, len(lines)) if lines[j].strip() == "```") + 1
            yield from display(paragraph, begin + 2, textwrap.dedent("\n".join(lines[begin + 1:i - 1])))
            continue
        while i < len(lines) and lines[i].strip():
            i += 1
        if i == begin:
            i += 1
        elif lines[begin].startswith("    "):
            yield "block", paragraph, begin + 1, textwrap.dedent("\n".join(lines[begin:i])).split("\n")
        else:
            paragraph = " ".join(lines[begin:i])
            if paragraph.startswith("#"):
                yield "section", paragraph.lstrip("# ")


def display(paragraph, number, text):
    if re.match("[$#] ", text) or shutil.which(text.split()[0]):
        yield "block", paragraph, number, re.sub("^[$#] ", "", text, flags=re.M).split("\n")
    else:
        yield "example", text


def manual(lines):
    """The same of mdoc(7)."""
    paragraph = ""
    for i, line in enumerate(lines):
        if line.startswith(".Sh "):
            yield "section", line[4:]
        if line.startswith(".Dl "):
            yield from display(paragraph, i + 1, line[4:])
        elif line.startswith(".Bd "):
            yield from display(paragraph, i + 2, "\n".join(lines[i + 1:lines.index(".Ed", i)]))
        elif line.startswith("."):
            paragraph = "" if line == ".Pp" else f"{paragraph} {line.partition(' ')[2]}"
        else:
            paragraph = f"{paragraph} {line}"


def unescape(text):
    for escape, character in ((r"\-", "-"), (r"\&", ""), (r"\(dq", '"'), (r"\e", "\\")):
        text = text.replace(escape, character)
    return text


def is_whole(text):
    """Whether a shell would ask for no further line."""
    shell = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    return shell.returncode == 0 and not shell.stderr and not text.endswith("\\")


def commands(number, lines):
    """Number and text of each command. One that is never whole comes too: the shell will complain."""
    first, text = number, []
    for number, line in enumerate(lines, number):
        text.append(line)
        if is_whole("\n".join(text)):
            yield first, "\n".join(text)
            first, text = number + 1, []
    if text:
        yield first, "\n".join(text)


def main():
    document = sys.argv[1]
    is_manual = not document.endswith(".md")
    with open(os.path.join(os.environ["top_srcdir"], document), encoding="utf-8") as file:
        lines = [unescape(line) if is_manual else line for line in file.read().split("\n")]
    for kind, text, *block in (manual if is_manual else markdown)(lines):
        if kind != "block":
            print(kind, shlex.quote(text))
            continue
        needs = re.search(r"\((needs [^)]*)\)[:.]?$", text.strip())
        for number, command in commands(*block):
            name = f"{document}:{number}: {command.splitlines()[0][:70]}"
            words = ["leave", name, needs[1]] if needs else ["perform", name, command]
            print(*map(shlex.quote, words))


main()
