#!/usr/bin/env bash
# SIGHUP: new keys and profiles appear, removed ones are gone at once, and no request is lost.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util python3

configuration() {
    hintsign status | sed -n 's/^agent .* configuration \([0-9]*\)$/\1/p'
}

is_past() {
    [ "$(configuration)" -gt "$1" ]
}

# Reads the configuration again and waits until it is in force.
reload() {
    local before
    before=$(configuration)
    kill -HUP "$agent_pid"
    wait_for 20 is_past "$before"
}

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
profile_pingone later
agent_config
agent_launch

runs 0 'a profile with a key' hintsign mint acme --subject bob
runs 4 'one without' hintsign mint later --subject bob
like "$(cat "$work/stderr")" '^hintsign: KeyUnavailable: ' '... has no key'
like "$(cat "$work/agent.log")" 'ERROR: profile later is not ready: no such key on token a' \
    '... and the log says so'
runs 4 'the agent as a whole is not ready' hintsign status --ready

# --- what appears ---

key_import later "$(random_hex 32)"
runs 4 'a key that was just imported is not known yet' hintsign mint later --subject bob
profile_pingone new acme
reload
runs 0 'after SIGHUP it mints' hintsign mint later --subject bob
runs 0 '... the agent is ready' hintsign status --ready
runs 0 '... and there is a new profile' hintsign mint new --subject bob
is "$(configuration)" 2 'it is configuration 2'
like "$(grep '"type":"mint"' "$work/audit.jsonl" | tail -n 1)" '"configuration":2,"profile":"new"' \
    'which stands in the audit log'

# --- what goes, also on a connection that was there before ---

cat >"$work/old.py" <<'END'
import signal, sys, time
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
agent, folder = int(sys.argv[1]), sys.argv[2]

def configuration():
    with Client() as client:
        return client.call(AGENT + "GetStatus")["parameters"]["configuration"]

with Client() as old:
    ok(token(old.mint("new", sub="bob")), "an old connection mints")
    os.remove(folder + "/profiles.d/new.json")
    ok(token(old.mint("new", sub="bob")), "... also when the file is gone")
    before = configuration()
    os.kill(agent, signal.SIGHUP)
    while configuration() == before:
        time.sleep(0.02)
    equal(error(old.mint("new", sub="bob")), "NotAllowed", "after SIGHUP it may no more")
    ok(token(old.mint("acme", sub="bob")), "... and still mints what it may")
    names = [profile["name"] for profile in old.call(AGENT + "ListProfiles")["parameters"]["profiles"]]
    equal(names, ["acme", "later"], "... as ListProfiles says")
END
python3 "$work/old.py" "$agent_pid" "$work" >"$work/tap"
include_tap <"$work/tap"

# --- a mistake keeps the old configuration, whole ---

before=$(configuration)
profile_pingone another acme
printf '{ "version": 1,\n  "kind": "pingone",\n  "lifetime": 0 }\n' | profile_write broken
rm "$work/profiles.d/later.json"
kill -HUP "$agent_pid"
agent_log_has "^ERROR: $work/profiles.d/broken.json:3: lifetime: must be an integer from 1 to 86400; the old configuration stays$"
is $? 0 'a mistake is reported with file and line'
is "$(configuration)" "$before" 'the old configuration stays'
runs 1 'nothing of the new one is in force' hintsign mint another --subject bob
runs 0 '... and nothing of the old one is gone' hintsign mint later --subject bob
cp "$work/agent.json" "$work/agent.good"
echo '{' >"$work/agent.json"
kill -HUP "$agent_pid"
agent_log_has "^ERROR: $work/agent.json:2: .*; the old configuration stays$"
is $? 0 'so it is in agent.json'
mv "$work/agent.good" "$work/agent.json"
rm "$work/profiles.d/broken.json"
reload
runs 0 'with the mistake gone, the next SIGHUP works' hintsign mint another --subject bob
runs 1 '... wholly' hintsign mint later --subject bob

# --- what needs a restart ---

# restart MEMBER EXPRESSION: agent.json changed by sed.
restart() {
    cp "$work/agent.json" "$work/agent.good"
    sed -i "$2" "$work/agent.json"
    reload
    is "$(grep -c "^WARNING: $1: changed, which needs a restart$" "$work/agent.log")" 1 \
        "$1: needs a restart"
    mv "$work/agent.good" "$work/agent.json"
}
restart workers 's|"version": 1,|"version": 1, "workers": 3,|'
restart listeners 's|"mode": "0600"|"mode": "0660"|'
restart tokens 's|"name": "a"|"name": "b"|'
restart audit "s|$work/audit.jsonl|$work/another.jsonl|"
is "$(stat -c %a "$HINTSIGN_SOCKET"; ls "$work/another.jsonl" 2>/dev/null)" 600 'and none of it was done'
reload
is "$(grep -c 'needs a restart' "$work/agent.log")" 4 'what is as it was needs none'

# --- under load ---

# Subjects until it is enough; long ones, so that few of them wait in the pipe then.
subjects() {
    until [ -e "$work/enough" ] || [ ! -d "$work" ]; do seq -f "$(printf 'x%.0s' {1..500})%g" 50; done
}
for i in 1 2; do
    subjects | tee "$work/in.$i" |
        hintsign mint acme --subjects-from - >"$work/out.$i" 2>"$work/err.$i" &
    clients[i]=$!
done
wait_for 20 test -s "$work/out.1"
reloads=0
for i in {1..20}; do
    if [ $((i % 2)) = 0 ]; then profile_pingone extra acme; else rm -f "$work/profiles.d/extra.json"; fi
    reload && reloads=$((reloads + 1))
done
: >"$work/enough"
is "$reloads" 20 '20 reloads under load'
for i in 1 2; do
    runs 0 "client $i got all it asked for" wait "${clients[i]}"
    is "$(grep -cE '^eyJ.*\..*\.[A-Za-z0-9_-]{43}$' "$work/out.$i")" "$(wc -l <"$work/in.$i")" \
        '... token by token'
    is "$(cat "$work/err.$i")" '' '... and no error'
done
agent_stop

# --- a mistake while a new configuration waits for a module that takes its time ---

faulty_token
agent_config
agent_start
hangs() {
    [ "$(tail -n 1 "$FAULTY_SCRIPT.calls")" = C_FindObjectsInit ]
}
script 'C_FindObjectsInit hang 1'
profile_pingone waiting acme
hintsign reload >"$work/reload" 2>&1 &
good=$!
runs 0 'a reload waits for its module' wait_for 10 hangs
echo '{' >"$work/profiles.d/broken.json"
kill -HUP "$agent_pid"
agent_log_has '/broken.json:2: .*; the old configuration stays until the one read before takes effect$'
is $? 0 '... the next one has a mistake, and the log says what comes'
is "$(configuration)" 1 'the old configuration is in force'
script ''
runs 0 'the reload that has waited ends well' wait "$good"
is "$(cat "$work/reload")" 'configuration 2' '... and its configuration is in force'
runs 0 '... as it was read' hintsign mint waiting --subject bob
runs 1 'another reload finds the mistake again' hintsign reload
rm "$work/profiles.d/broken.json"
runs 0 'without it all is well' hintsign reload

# --- somebody who has asked for a reload is told of his own, not of another's mistake ---

script 'C_FindObjectsInit hang 1'
kill -HUP "$agent_pid"
runs 0 'a reload waits for its module' wait_for 10 hangs
sed -i 's|"version": 1,|"version": 1, "peer_pid": "best-effort",|' "$work/agent.json" # the log says that it was read
profile_pingone asked acme
hintsign reload >"$work/reload" 2>&1 &
good=$!
agent_log_has 'peer_pid: changed'
echo '{' >"$work/profiles.d/worse.json"
kill -HUP "$agent_pid"
agent_log_has '/worse.json:2: .*; the old configuration stays until the one read before takes effect$'
is $? 0 '... another is asked for, and then the files have a mistake'
script ''
runs 0 'who asked gets what he asked for' wait "$good"
is "$(cat "$work/reload")" 'configuration 5' '... and its number'
runs 0 '... and it is in force' hintsign mint asked --subject bob
rm "$work/profiles.d/worse.json"

# --- one reload after the other, faster than the module resolves keys ---

script 'C_FindObjectsInit slow 100000 100'
rm "$work/profiles.d/waiting.json"
takes_effect() {
    kill -HUP "$agent_pid"
    [ "$(configuration)" -gt 5 ]
}
runs 0 'reloads that follow each other closely take effect all the same' wait_for 5 takes_effect
runs 1 '... with what was taken away' hintsign mint waiting --subject bob
script ''
agent_stop
done_testing
