#!/usr/bin/env bash
# Who may have what, by the ids that the kernel tells: an agent that is not root, many callers.
. "$(dirname "$0")/lib.sh"
need softhsm2-util setpriv python3
[ "$(id -u)" = 0 ] || skip_all 'callers with other ids need root'

# Ids that nobody has; daemon and bin have the same names and numbers everywhere.
agent_id=47000
stranger=47001
extra_group=47002
shop=$work/shop.sock

# as UID GID GROUPS COMMAND...: GROUPS may be empty.
as() {
    local uid=$1 gid=$2 groups=--clear-groups
    [ -z "$3" ] || groups=--groups=$3
    shift 3
    setpriv --reuid "$uid" --regid "$gid" "$groups" "$@"
}
as "$agent_id" "$agent_id" '' hintsign-agent --version >/dev/null 2>&1 &&
    as "$stranger" "$stranger" '' hintsign --version >/dev/null 2>&1 ||
    skip_all 'others cannot read the build folder'

# profile NAME [ALLOW]
profile() {
    local allow=${2:+", \"allow\": $2"}
    profile_write "$1" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ]$allow }
END
}

token_create
key_import acme "$(random_hex 32)"
profile nobody-at-all
profile user '[ { "user": "daemon" } ]'
profile uid '[ { "uid": 2 } ]'
profile group '[ { "group": "daemon" } ]'
profile gid "[ { \"gid\": $extra_group } ]"
profile both '[ { "user": "daemon", "group": "bin" } ]'
profile either '[ { "user": "bin" }, { "user": "daemon" } ]'
profile shop '[ { "listener": "shop" } ]'
profile shop-user '[ { "listener": "shop", "user": "daemon" } ]'
profile root '[ { "uid": 0 } ]'
cat >"$work/agent.json" <<END
{ "listeners": [ { "name": "default", "path": "$HINTSIGN_SOCKET", "mode": "0666" },
                 { "name": "shop", "path": "$shop", "mode": "0666" } ],
  "admin_socket": "$HINTSIGN_ADMIN_SOCKET",
  "tokens": [ $tokens_json ], "profiles_dir": "$work/profiles.d",
  "state_dir": "$work", "audit": { "path": "$work/audit.jsonl" } }
END
chown -R "$agent_id:$agent_id" "$work"
chmod 711 "$work"
program=$(command -v hintsign-agent)
hintsign-agent() {
    exec setpriv --reuid "$agent_id" --regid "$agent_id" --clear-groups "$program" "$@"
}
agent_start
is "$(awk '/^[UG]id:/ { print $2 }' "/proc/$agent_pid/status" | xargs)" "$agent_id $agent_id" 'the agent is not root'

# may|may_not PROFILE UID GID GROUPS [SOCKET]
may() {
    runs 0 "$1: uid $2, gid $3${4:+, groups ${4/48000*48099/many}}${5:+, listener shop}" \
        as "$2" "$3" "$4" hintsign ${5:+--socket "$5"} mint "$1" --subject bob
}
may_not() {
    runs 1 "$1: not uid $2, gid $3${4:+, groups ${4/48000*48099/many}}${5:+, listener shop}" \
        as "$2" "$3" "$4" hintsign ${5:+--socket "$5"} mint "$1" --subject bob
    is "$(cat "$work/stderr")" \
        'hintsign: NotAllowed: There is no such profile that you may use.' '... as is said'
}

may_not nobody-at-all 0 0 ''
may_not nobody-at-all "$agent_id" "$agent_id" ''
may user 1 "$stranger" ''
may_not user "$stranger" "$stranger" ''
may_not user 0 0 ''
may uid 2 "$stranger" ''
may_not uid 1 1 2
may group "$stranger" 1 ''
may group "$stranger" "$stranger" "$extra_group,1"
may_not group 1 "$stranger" "$extra_group"
may gid "$stranger" "$extra_group" ''
may gid "$stranger" "$stranger" "$(seq -s, 48000 48099),$extra_group"
may_not gid "$extra_group" "$stranger" "$(seq -s, 48000 48099)"
may both 1 2 ''
may both 1 1 2
may_not both 1 1 ''
may_not both 2 2 1
may either 1 1 ''
may either 2 2 ''
may_not either "$stranger" 1 2
may shop "$stranger" "$stranger" '' "$shop"
may_not shop "$stranger" "$stranger" ''
may shop-user 1 1 '' "$shop"
may_not shop-user 1 1 ''
may_not shop-user 2 2 '' "$shop"
may root 0 0 ''
may_not root "$agent_id" "$agent_id" 0
# This is what another user namespace's ids look like: they say nothing.
may_not either 65534 1 65534

# lists UID GID: the profiles that hintsign shows.
lists() {
    as "$1" "$2" '' hintsign profiles | awk 'NR > 1 { print $1 }' | tr '\n' ' '
}
is "$(lists 1 1)" 'either group user ' 'daemon sees its own profiles'
is "$(lists "$stranger" "$stranger")" '' 'a stranger sees none'
as "$stranger" "$stranger" '' hintsign status >"$work/status"
is "$(grep -c '^profile' "$work/status")" 0 '... not even in the status'

# --- a stranger cannot tell what there is ---

cat >"$work/oracle.py" <<'END'
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
os.setgroups([])
os.setgid(int(sys.argv[1]))
answers = set()
names = ["user", "nobody-at-all", "unknown", "", "..", "USER", "user\n", "x" * 1000, "\u00fcser"]
# Each as a user of its own: one has ten records a second.
for uid, name in enumerate(names, int(sys.argv[1])):
    os.seteuid(uid)
    with Client() as client:
        for more in [{}, {"audience": "https://op.example"}, {"audience": "x"}, {"claims": {}},
                     {"claims": {"sub": "bob"}}, {"claims": {"iss": "x"}}]:
            client.send(encode(AGENT + "Mint", {"profile": name, **more}))
            answers.add(client.read())
    os.seteuid(0)
equal(len(answers), 1, "unknown or forbidden, with any parameters: one answer, byte for byte")
ok(b"io.hintsign.Agent.NotAllowed" in answers.pop(), "... which is NotAllowed")
END
python3 "$work/oracle.py" "$stranger" >"$work/tap"
include_tap <"$work/tap"
is "$(tail -n 54 "$work/audit.jsonl" | grep -c '"error":"NotAllowed"')" 54 'each has its record'
is "$(tail -n 54 "$work/audit.jsonl" | grep -cE '"(allow|key|key_digest|audience|alg)":')" 0 \
    '... without a word of what is configured'
is "$(tail -n 54 "$work/audit.jsonl" | sed -n 's/.*"profile":"\([^"]*\)".*/\1/p' | sort -u | xargs)" \
    'nobody-at-all unknown user' '... and no name that no profile can have'
like "$(tail -n 1 "$work/audit.jsonl")" "\"uid\":$((stranger + 8)),\"gid\":$stranger,\"pid\":[0-9]+," \
    '... but with who it was'
agent_stop

# --- ids of another user namespace ---

if unshare --user --map-root-user "$program" --version >/dev/null 2>&1; then
    hintsign-agent() {
        exec unshare --user --map-root-user "$program" "$@"
    }
    chown -R 0:0 "$work"
    agent_start
    may root 0 0 ''
    may_not user 1 1 ''
    may shop 1 1 '' "$shop"
    unlike "$(grep -E '"listener":"shop"' "$work/audit.jsonl" | tail -n 1)" '"uid":' \
        'the record of such a caller has no uid'
    agent_stop
else
    skip 'ids of another user namespace' 'no user namespace can be made'
fi
done_testing
