#!/usr/bin/env bash
# The agent's configuration: what is wrong is said by file, line and member, before anything starts.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

token_create
key_import acme "$(random_hex 32)"
agent_config

# --- the command line ---

runs 0 '--version' hintsign-agent --version
like "$(cat "$work/stdout")" '^hintsign-agent [0-9]+\.[0-9]+' '... tells it'
runs 0 '--help' hintsign-agent --help
like "$(cat "$work/stdout")" '--config FILE' '... is on standard output'
runs 2 'an unknown option' hintsign-agent --nothing
is "$(cat "$work/stdout")" '' '... leaves standard output alone'
runs 2 'an operand' hintsign-agent "$work/agent.json"
runs 2 '--token without --check' hintsign-agent --config "$work/agent.json" --token
runs 2 '--config without a file' hintsign-agent --config
runs 1 'a file that is not there' hintsign-agent --config "$work/nothing.json" --check
is "$(cat "$work/stderr")" "ERROR: $work/nothing.json: No such file or directory" '... is named'
if [ ! -e /etc/hintsign/agent.json ]; then
    runs 1 'no --config' hintsign-agent --check
    is "$(cat "$work/stderr")" 'ERROR: /etc/hintsign/agent.json: No such file or directory' \
        'the default is /etc/hintsign/agent.json'
fi

# --- what is right ---

cat >"$work/good.json" <<END
{ "version": 1, "description": "ticket 17", "admin_socket": "$HINTSIGN_ADMIN_SOCKET",
  "listeners": [
    { "name": "default", "path": "$work/agent.sock", "mode": "0600", "description": "x" },
    { "name": "shop", "path": "$work/shop.sock" } ],
  "workers": 4,
  "tokens": [ $tokens_json ],
  "profiles_dir": "$work/profiles.d",
  "state_dir": "$work", "audit": { "path": "$work/audit.jsonl", "sync": "interval" } }
END
cat >"$work/good-profile.json" <<END
{ "version": 1, "description": "ticket 18",
  "kind": "authway",
  "key": "pkcs11:object=acme",
  "algorithm": "HS256",
  "client_id": "TestTrustedApp",
  "audiences": [ "https://a.example", "https://b.example" ],
  "lifetime": 300,
  "backdate": 10,
  "allow": [ { "uid": 1 }, { "listener": "shop" } ],
  "accept": { "sub": "string",
              "email": "email", "emp": { "form": "string", "max": 64 } },
  "required": [ "sub" ],
  "one_of": [ [ "email", "emp" ] ] }
END
cp "$work/good.json" "$work/agent.json"
cp "$work/good-profile.json" "$work/profiles.d/acme.json"
runs 0 'a good configuration' hintsign-agent --config "$work/agent.json" --check
is "$(cat "$work/stdout" "$work/stderr")" '' '... is passed over in silence'
is "$(ls "$work"/*.sock "$work/audit.jsonl" 2>/dev/null)" '' '... and nothing is opened'

# --- what is wrong ---

# says MESSAGE NAME: --check fails with this message; "..." stands for more at its end.
says() {
    runs 1 "$2" hintsign-agent --config "$work/agent.json" --check
    local said
    said=$(cat "$work/stderr")
    [ "${1%...}" = "$1" ] || said=${said:0:$((${#1} + 4))}...
    is "$said" "ERROR: $1" '... is said exactly'
}

# wrong FILE GOOD LINE TEXT MESSAGE: with this line in its place, the agent says so.
wrong() {
    sed "$3c\\
$(printf '%s' "$4" | sed 's/\\/\\\\/g')" "$2" >"$1"
    says "$1:$3: $5" "$4"
    cp "$2" "$1"
}
bad_agent() { wrong "$work/agent.json" "$work/good.json" "$@"; }
bad_profile() { wrong "$work/profiles.d/acme.json" "$work/good-profile.json" "$@"; }

rest="\"path\": \"$work/shop.sock\" } ],"
uri="pkcs11:token=hints-a?module-path=$module"
bad_agent 1 '{ "version": 2,' 'version: must be an integer from 1 to 1'
bad_agent 1 '{ "version": "1",' 'version: must be an integer from 1 to 1'
bad_agent 1 '{ "description": 1,' 'description: must be a string'
bad_agent 5 '"worker": 4,' 'worker: there is no such member'
bad_agent 5 '"workers": 0,' 'workers: must be an integer from 1 to 256'
bad_agent 5 '"workers": 257,' 'workers: must be an integer from 1 to 256'
bad_agent 5 '"workers": 4.0,' 'workers: must be an integer from 1 to 256'
bad_agent 5 '"workers": true,' 'workers: must be an integer from 1 to 256'
bad_agent 4 "{ \"name\": \"shop\", \"mode\": \"660\", $rest" \
    'listeners[1].mode: must be octal digits, such as "0660"'
bad_agent 4 "{ \"name\": \"shop\", \"mode\": 660, $rest" \
    'listeners[1].mode: must be octal digits, such as "0660"'
bad_agent 4 "{ \"name\": \"shop\", \"mode\": \"01777\", $rest" \
    'listeners[1].mode: must be octal digits, such as "0660"'
bad_agent 4 "{ \"name\": \"shop\", \"group\": \"no such group\", $rest" \
    'listeners[1].group: there is no group of that name'
bad_agent 4 "{ $rest" 'listeners[1]: "name" is missing'
bad_agent 4 '{ "name": "shop" } ],' 'listeners[1]: "path" is missing'
bad_agent 4 '{ "name": "shop", "path": "shop.sock" } ],' 'listeners[1].path: must be an absolute path'
bad_agent 4 "{ \"name\": \"shop\", \"path\": \"/$(printf 'x%.0s' {1..107})\" } ]," \
    'listeners[1].path: must have 1 to 107 bytes'
bad_agent 4 "{ \"name\": \"default\", $rest" \
    'listeners[1]: has the name or the path of another listener'
bad_agent 4 "{ \"name\": \"shop\", \"path\": \"$work/agent.sock\" } ]," \
    'listeners[1]: has the name or the path of another listener'
bad_agent 4 "{ \"name\": \"a\\u0007\", $rest" 'listeners[1].name: has a control character'
bad_agent 4 "7 ]," 'listeners[1]: must be an object'
bad_agent 6 '"tokens": [],' 'tokens: must have 1 to 16 elements'
bad_agent 6 '"tokens": {},' 'tokens: must be an array'
bad_agent 6 "\"tokens\": [ { \"name\": \"a\" } ]," 'tokens[0]: "uri" is missing'
bad_agent 6 "\"tokens\": [ $tokens_json, $tokens_json ]," 'tokens[1]: has the name of another token'
bad_agent 6 '"tokens": [ { "name": "a", "uri": "http://a" } ],' \
    'tokens[0].uri: not a PKCS#11 URI: URI scheme must be '"'pkcs11:'"
bad_agent 6 '"tokens": [ { "name": "a", "uri": "pkcs11:token=hints-a" } ],' \
    'tokens[0].uri: the URI names no module: module-path= or module-name= is needed, and only one of them'
bad_agent 6 "\"tokens\": [ { \"name\": \"a\", \"uri\": \"$uri&module-name=softhsm2\" } ]," \
    'tokens[0].uri: the URI names no module: module-path= or module-name= is needed, and only one of them'
for more in slot-id=5 object=acme id=%01 type=secret-key; do
    bad_agent 6 "\"tokens\": [ { \"name\": \"a\", \"uri\": \"pkcs11:token=hints-a;$more?module-path=$module\" } ]," \
        'tokens[0].uri: the URI names a slot or an object: name the token itself, with token= or serial='
done
bad_agent 6 "\"tokens\": [ { \"name\": \"a\", \"uri\": \"$uri&pin-value=1234\" } ]," \
    'tokens[0].uri: pin-value is refused: put the PIN into a file and name it with pin-source=file:PATH'
bad_agent 6 "\"tokens\": [ { \"name\": \"a\", \"uri\": \"$uri\", \"max_sessions\": 0 } ]," \
    'tokens[0].max_sessions: must be an integer from 1 to 1024'
bad_agent 6 "\"tokens\": [ { \"name\": \"a\", \"uri\": \"$uri\", \"login\": \"PIN\" } ]," \
    'tokens[0].login: must be one of pin, protected, none'
bad_agent 7 '"profiles_dir": "profiles.d",' 'profiles_dir: must be an absolute path'
bad_agent 7 '"profiles_dir": "",' 'profiles_dir: must have 1 to 4095 bytes'
bad_agent 8 '"state_dir": "state" }' 'state_dir: must be an absolute path'
bad_agent 8 '"audit": { "path": "audit.jsonl" } }' 'audit.path: must be an absolute path'
bad_agent 8 '"audit": { "sync": "never" } }' 'audit.sync: must be one of always, interval'
bad_agent 8 '"audit": { "off": true } }' 'audit.off: there is no such member'
bad_agent 8 '"audit": { } } x' "end of file expected near 'x'"
bad_agent 8 '"workers": 5 }' 'duplicate object key near '"'\"workers\"'"

bad_profile 1 '{' '"version" is missing'
bad_profile 2 '"kind": "pingtwo",' 'kind: must be one of pingone, authway, ...'
bad_profile 2 '"kind": "authway", "typ": "JOSE",' 'typ: cannot be set for kind authway'
bad_profile 2 '"kind": "authway", "kid": "1",' 'kid: cannot be set for kind authway'
bad_profile 3 '"key": "pkcs11:",' 'key: the URI names no key: object= or id= is missing'
for more in '?pin-source=file:/pin' '?module-path=/module.so' '?module-name=module' ';slot-id=5' ';type=public'; do
    bad_profile 3 "\"key\": \"pkcs11:object=acme$more\"," \
        'key: the URI of a key names object=, id= and its token, nothing else'
done
bad_profile 3 '"key": "acme",' "key: not a PKCS#11 URI: URI scheme must be 'pkcs11:'"
bad_profile 4 '"algorithm": "none",' 'algorithm: must be one of HS256, HS384, HS512...'
bad_profile 4 '"algorithm": "hs256",' 'algorithm: must be one of HS256, HS384, HS512...'
bad_profile 4 '"algorithm": "RS256",' 'algorithm: does not serve kind authway'
bad_profile 5 '"client_id": "",' 'client_id: must have 1 to 1024 bytes'
bad_profile 6 '"audiences": [],' 'audiences: must have 1 to 64 elements'
bad_profile 6 '"audiences": [ "https://a", "https://a" ],' 'audiences[1]: stands here twice'
bad_profile 6 '"audiences": "https://a",' 'audiences: must be an array'
bad_profile 7 '"lifetime": 0,' 'lifetime: must be an integer from 1 to 86400'
bad_profile 7 '"lifetime": 86401,' 'lifetime: must be an integer from 1 to 86400'
bad_profile 8 '"backdate": 301,' 'backdate: must be an integer from 0 to 300'
bad_profile 9 '"allow": [ { "user": "no such user" } ],' 'allow[0].user: there is no user of that name'
bad_profile 9 '"allow": [ { "group": "no such group" } ],' \
    'allow[0].group: there is no group of that name'
bad_profile 9 '"allow": [ { "listener": "nowhere" } ],' \
    'allow[0].listener: there is no listener of that name'
bad_profile 9 '"allow": [ { } ],' 'allow[0]: names nobody: an entry needs user, group, unit or listener'
bad_profile 9 '"allow": [ { "description": "all" } ],' \
    'allow[0]: names nobody: an entry needs user, group, unit or listener'
bad_profile 9 '"allow": [ { "uid": -1 } ],' 'allow[0].uid: must be an integer from 0 to 4294967293'
bad_profile 9 '"allow": [ { "uid": 4294967295 } ],' \
    'allow[0].uid: must be an integer from 0 to 4294967293'
bad_profile 9 '"allow": [ { "user": "root", "uid": 0 } ],' 'allow[0].uid: stands beside "user"'
bad_profile 9 '"allow": [],' 'allow: must have 1 to 64 elements'
for claim in iss aud iat exp nbf jti client_id uid scope azp act cnf nonce response_type \
    redirect_uri request request_uri; do
    bad_profile 10 "\"accept\": { \"$claim\": \"string\"," \
        "accept.$claim: belongs to the agent: no caller can give it"
done
bad_profile 10 '"accept": { "sub": "text",' 'accept.sub: must be one of string, email, e164, uuid, uri...'
bad_profile 10 '"accept": { "sub": { "max": 5 },' 'accept.sub: "form" is missing'
bad_profile 10 '"accept": { "sub": { "form": "string", "max": 1025 },' \
    'accept.sub.max: must be an integer from 1 to 1024'
bad_profile 12 '"required": [ "phone" ],' 'required[0]: is not among the accepted claims'
bad_profile 13 '"one_of": [ [] ] }' 'one_of[0]: must have 1 to 32 elements'

sed '/"tokens"/d' "$work/good.json" >"$work/agent.json"
says "$work/agent.json:1: \"tokens\" is missing" 'no tokens'
cp "$work/good.json" "$work/agent.json"
sed 's/"lifetime": 300/"lifetime": 10/' "$work/good-profile.json" >"$work/profiles.d/acme.json"
says "$work/profiles.d/acme.json:1: \"backdate\" must be less than \"lifetime\"" 'a token born dead'
sed 's/"authway"/"pingone"/' "$work/good-profile.json" >"$work/profiles.d/acme.json"
says "$work/profiles.d/acme.json:11: accept.email: kind pingone does not take it" \
    'a claim that is not of the kind'
cp "$work/good-profile.json" "$work/profiles.d/acme.json"

# --- files ---

name=$(printf 'x%.0s' {1..65})
for file in Acme.json "a b.json" "$name.json"; do
    cp "$work/good-profile.json" "$work/profiles.d/$file"
    says "$work/profiles.d/$file: a profile's name has 1 to 64 characters of a-z 0-9 . _ -" \
        "the name $file"
    rm "$work/profiles.d/$file"
done
echo nonsense >"$work/profiles.d/.hidden.json"
echo nonsense >"$work/profiles.d/README"
runs 0 'what is no profile is passed over' hintsign-agent --config "$work/agent.json" --check
for mode in 620 602; do
    chmod $mode "$work/profiles.d/acme.json"
    says "$work/profiles.d/acme.json: others can write it (chmod go-w)" "mode $mode"
done
chmod 600 "$work/profiles.d/acme.json"
mkdir "$work/profiles.d/folder.json"
says "$work/profiles.d/folder.json: not a regular file" 'a folder'
rmdir "$work/profiles.d/folder.json"
mkfifo "$work/profiles.d/pipe.json"
says "$work/profiles.d/pipe.json: not a regular file" 'a pipe'
rm "$work/profiles.d/pipe.json"
: >"$work/profiles.d/empty.json"
says "$work/profiles.d/empty.json:1: '[' or '{' expected near end of file" 'an empty file'
rm "$work/profiles.d/empty.json"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$work/profiles.d/long.json"
says "$work/profiles.d/long.json: longer than 1 MiB" 'a file of more than 1 MiB'
rm "$work/profiles.d/long.json"
if [ "$(id -u)" = 0 ]; then
    chown 4711 "$work/profiles.d/acme.json"
    says "$work/profiles.d/acme.json: belongs neither to root nor to the agent's user" \
        "somebody else's file"
    chown 0 "$work/profiles.d/acme.json"
fi

# --- the token ---

sed 's/object=acme/object=missing/' "$work/good-profile.json" >"$work/profiles.d/other.json"
runs 1 '--check --token where a key is missing' \
    hintsign-agent --config "$work/agent.json" --check --token
is "$(cat "$work/stdout")" 'acme: ready
other: no such key on token a' '... says so of each profile'
rm "$work/profiles.d/other.json"
runs 0 '--check --token where all is well' \
    hintsign-agent --config "$work/agent.json" --check --token
is "$(cat "$work/stdout")" 'acme: ready' '... says so'
is "$(ls "$work"/*.sock "$work/audit.jsonl" 2>/dev/null)" '' '... and opens neither socket nor log'
mv "$work/pin" "$work/no-pin"
mv "$work/profiles.d/acme.json" "$work/acme.json"
runs 1 '--check --token where no profile needs the token that is down' \
    hintsign-agent --config "$work/agent.json" --check --token
is "$(cat "$work/stderr")" "ERROR: token a: down: $work/pin: No such file or directory" '... says so'
mv "$work/acme.json" "$work/profiles.d/acme.json"
mv "$work/no-pin" "$work/pin"

# --- defaults ---

printf '{ "listeners": [ { "name": "default", "path": "%s" } ],
  "admin_socket": "%s", "tokens": [ %s ], "profiles_dir": "%s", "state_dir": "%s",
  "audit": { "path": "%s" } }' "$HINTSIGN_SOCKET" "$HINTSIGN_ADMIN_SOCKET" \
    "$tokens_json" "$work/profiles.d" "$work" "$work/audit.jsonl" >"$work/agent.json"
sed 's/, { "listener": "shop" }/, { "listener": "default" }/' "$work/good-profile.json" |
    profile_write acme
agent_start
is "$(stat -c %a "$HINTSIGN_SOCKET")" 660 "a socket's mode is 0660"
is "$(stat -c %a "$HINTSIGN_ADMIN_SOCKET")" 600 "the admin socket's is 0600"
is "$(stat -c %a "$work/audit.jsonl")" 600 "the audit log's is 0640, less the umask"
is "$(ls "/proc/$agent_pid/task" | wc -l)" 29 \
    "16 workers, 6 in reserve; main, admin and what it mints, token, floods; two for the audit log"
agent_stop
done_testing
