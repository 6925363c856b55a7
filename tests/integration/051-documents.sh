#!/usr/bin/env bash
# What can be configured, logged and recorded is documented: the sources against doc/.
. "$(dirname "$0")/lib.sh"
need python3
cd "$top_srcdir" || bail_out 'no source folder'
[ -d agent ] || skip_all 'the sources are not there'

python3 - >"$work/tap" <<'END'
import glob, json, re, shutil, subprocess

def ok(missing, name):
    print(("not ok - " if missing else "ok - ") + name)
    for line in missing:
        print("# " + line)

def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()

sources = {path: text(path) for path in glob.glob("agent/*.c")}
page = text("doc/hintsign-agent.json.5")
described = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^\.It Cm (.*)", page, re.M))))
described |= set(re.findall(r"^\.Cm (\w+)", page, re.M))
tables = [text for path, text in sources.items() if "struct json_member " in text and "provider_keys_file" not in path]
members = {name for table in tables for name in re.findall(r'\{"(\w+)", (?:true|false), \w+\}', table)}
ok(members - described if len(members) > 50 else ["no tables were found"], "hintsign-agent.json(5) has every member")

examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)
bad = []
for example in examples:
    try:
        json.loads(example)
    except ValueError as error:
        bad.append(f"{error}: {example[:60]}")
ok(bad if len(examples) > 2 else ["no examples were found"], "... and its examples are JSON")

page = text("doc/hintsign-agent.8")
writers = "".join(source for path, source in sources.items() if re.search(r"/(audit\w*|throttle)\.c", path))
record = set(re.findall(r'audit_record_\w+\(&?\w+, "(\w+)"', writers)) | {"seq", "prev"}
items = set(re.findall(r"\w+", " ".join(re.findall(r"^\.(?:It )?(?:Cm|Li) (.*)", page, re.M))))
ok(record - items if len(record) > 15 else ["no records were found"], "hintsign-agent(8) has every member of a record")

# Claims of security come with tests that are there.
named = set(re.findall(r"`((?:unit|integration)/[\w.-]+)`", text("doc/security.md")))
missing = [name for name in sorted(named) if not glob.glob("tests/" + name)]
ok(missing if len(named) > 20 else ["no tests were found"], "every test that security.md names is there")

# Commands in the middle of a sentence: their options are options. Those in blocks are done (32N).
def code(path):
    if path.endswith(".md"):
        prose = re.sub(r"^ *```.*?^ *```$", "", text(path), flags=re.M | re.S)
        return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return [line.replace("\\-", "-") for line in re.findall(r"^\.(?:Ql|Li) (.*)$", text(path), re.M)]

def help_of(program, command):
    done = subprocess.run([program, *command, "--help"], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""

wrong, found = [], 0
for path in ["README.md", *glob.glob("doc/**/*.md", recursive=True), *glob.glob("doc/*.[1-8]")]:
    for line in code(path):
        call = re.match(r"(?:.* )?(hintsign(?:-(?:agent|audit|fetch|key))?)( [a-z][a-z-]*)?((?: [^|>;&]+)?)", line)
        if call and (call[2] or call[3]) and shutil.which(call[1]):
            found += 1
            known = help_of(call[1], call[2].split() if call[2] else [])
            if not known or not set(re.findall(r" (--[a-z-]+)", call[3])) <= set(re.findall(r"--[a-z-]+", known)):
                wrong.append(f"{path}: {line}")
ok(wrong if found > 40 else ["no commands were found"], "commands in the text are commands, and their options too")

# A log line of the sources is explained where a piece of code in the document looks like it.
prose = re.sub(r"^ *```.*?^ *```$", "", text("doc/operations.md"), flags=re.M | re.S)
codes = re.findall(r"`([^`]+)`", prose)
prefix = {"log_error": "ERROR: ", "log_warning": "WARNING: ", "log_info": ""}
missing, found = [], 0
for path, source in sources.items():
    for level, literal in re.findall(r'\b(log_\w+)\(((?:\s*"(?:[^"\\]|\\.)*")+)', source):
        line = prefix.get(level, "") + "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
        if line == "ERROR: %s":
            continue
        found += 1
        pattern = "".join(".+" if part.startswith("%") else re.escape(part)
                          for part in re.split(r"(%[-.0-9]*(?:ll|z)?[a-z])", line))
        if not any(re.fullmatch(pattern, code, re.S) for code in codes):
            missing.append(f"{path}: {line}")
ok(missing if found > 15 else ["no log lines were found"], "operations.md explains every line of the log")
END
include_tap <"$work/tap"
done_testing
