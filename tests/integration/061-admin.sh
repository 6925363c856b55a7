#!/usr/bin/env bash
# The admin socket: tokens are unlocked and locked by hand, and the configuration is read again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/remote.sh"
need softhsm2-util python3 openssl

# profile NAME [TOKEN]: with a key of its name, on that token alone.
profile() {
    profile_pingone "$1" "$1${2:+;token=hints-$2}"
}

mints() {
    hintsign mint "$1" --subject bob
}

# state TOKEN: up, down or locked.
terminal() {
    python3 "$top_srcdir/tests/integration/terminal.py" "$@"
}

# without_pin TOKEN: as agent.json has it, for a token that is unlocked by hand.
without_pin() {
    echo "{ \"name\": \"$1\", \"uri\": \"pkcs11:token=hints-$1?module-path=$module\" }"
}

token_create
token_create b
for key in one two; do key_import "$key" "$(random_hex 32)"; done
printf '%s' "$(random_hex 32)" | hintsign-key import --token "$(token_uri b)" --label two-b \
    >"$work/import.log" 2>&1 || bail_out "$(cat "$work/import.log")"
profile one
profile two-b
pin=$(cat "$work/pin")
with_pins=$tokens_json

# --- one token, without a pin-source ---

tokens_json=$(without_pin a)
rm "$work/profiles.d/two-b.json"
agent_config
agent_launch
is "$(state a)" locked 'a token without pin-source starts locked'
like "$(hintsign status)" 'token +a +locked: waiting for the PIN' '... and waits for its PIN'
runs 4 '... meanwhile nothing is minted' mints one
like "$(cat "$work/stderr")" '^hintsign: Locked: ' '... because it is locked'
is "$(stat -c %a "$HINTSIGN_ADMIN_SOCKET")" 600 'the admin socket is for its owner'

runs 0 'a PIN from a pipe' hintsign unlock <<<"$pin"
is "$(cat "$work/stdout")" 'token   a  up' '... unlocks the only token'
runs 0 '... and it mints' mints one
runs 0 'unlocking what is unlocked' hintsign unlock a <<<"$pin"
runs 0 'lock' hintsign lock
is "$(cat "$work/stdout")" 'token   a  locked' '... locks it'
runs 4 '... and it mints no more' mints one
runs 0 '... nor after a reload' hintsign reload
is "$(state a)" locked '... which leaves it locked'

runs 0 'a PIN that is typed' terminal 'PIN of token a: ' "$pin\\r" -- hintsign unlock a
unlike "$(cat "$work/stdout")" "$pin" '... is not shown'
like "$(cat "$work/stdout")" 'echo=on' '... and the echo is on again'
is "$(state a)" up '... and unlocks'
runs 130 'Ctrl-C instead of a PIN' terminal 'PIN of the token: ' 'half\x03' -- hintsign unlock
like "$(cat "$work/stdout")" 'echo=on' '... ends it with the echo on'
runs 2 'no PIN' hintsign unlock </dev/null
runs 2 'a PIN that is too long' hintsign unlock < <(head -c 5000 /dev/zero | tr '\0' 7)
runs 1 'a PIN with a NUL byte' hintsign unlock < <(printf '12\00034')
like "$(cat "$work/stderr")" '^hintsign: InvalidMessage: ' '... is none'
runs 1 'another token' hintsign unlock b --no-pin
is "$(cat "$work/stderr")" 'hintsign: UnknownToken: There is no token of that name.' '... is unknown'
runs 3 'no admin socket' hintsign unlock --socket "$work/nowhere" --no-pin
runs 2 'a wrong option' hintsign lock --no-pin

# Nobody knows whether the PIN was tried: it is not sent again.
python3 - "$work/dropping.sock" >"$work/calls" <<'END' &
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.settimeout(20)
server.accept()[0].recv(4096)
server.settimeout(1)
try:
    server.accept()
    print("again")
except TimeoutError:
    print("once")
END
dropping=$!
wait_for 20 test -S "$work/dropping.sock"
runs 3 'an agent that drops the connection' hintsign unlock --socket "$work/dropping.sock" <<<"$pin"
wait "$dropping"
is "$(cat "$work/calls")" once '... is not asked again'

# What answers there need not be an agent: its replies are a stranger's.
cat >"$work/hostile.py" <<'END'
import json, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.settimeout(20)
for reply in [
    {"error": "io.hintsign.Admin.\x1b[31mRed\x9b\nhintsign", "parameters": {"message": "a\x1b[1mb"}},
    {"parameters": {"token": "\x1b[31m\x9b"}},
    {"parameters": {"token": "", "kind": "pingone"}},
    {"parameters": {"token": "eyJ.eyJ.AAAA\n", "kind": "pingone"}},
]:
    client = server.accept()[0]
    client.recv(4096)
    client.sendall(json.dumps(reply, ensure_ascii=False).encode() + b"\0")
    client.close()
END
python3 "$work/hostile.py" "$work/hostile.sock" &
hostile=$!
wait_for 20 test -S "$work/hostile.sock"
runs 1 'an error with a strange name' hintsign lock --socket "$work/hostile.sock"
is "$(cat "$work/stderr")" 'hintsign: \u001b[31mRed\u009b\u000ahintsign: a\u001b[1mb' \
    '... is not obeyed by the terminal'
runs 0 'a token with a strange name' hintsign unlock --no-pin --socket "$work/hostile.sock"
is "$(cat "$work/stdout")" 'token   \u001b[31m\u009b  up' '... neither'
for what in 'an empty token' 'a token with a newline'; do
    runs 3 "$what" hintsign mint --next turn --socket "$work/hostile.sock"
    is "$(cat "$work/stderr")" "hintsign: Protocol: the agent's reply holds no token" '... is none'
    is "$(wc -c <"$work/stdout")" 0 '... and is not printed'
done
wait "$hostile"

# --- reload ---

is "$(hintsign status | sed -n 's/.*configuration //p')" 2 'one reload so far'
profile two
runs 0 'a new profile' hintsign reload
is "$(cat "$work/stdout")" 'configuration 3' '... is in force'
runs 0 '... when reload ends' mints two
echo '{' >"$work/profiles.d/bad.json"
runs 1 'a mistake' hintsign reload
like "$(cat "$work/stderr")" "^hintsign: InvalidConfiguration: $work/profiles.d/bad.json:2: " '... is told'
rm "$work/profiles.d/bad.json"
for i in {1..8}; do hintsign reload >"$work/out.$i" 2>&1 & clients[i]=$!; done
runs 0 'eight at once' wait "${clients[@]}"
is "$(sort "$work"/out.* | uniq -c | awk '{ print $2 }' | sort -u)" configuration '... get their answers'
runs 0 'the token that was unlocked by hand stays so' mints one

# --- the key that comes next ---

# turning NAME KIND NEXT ALLOW: a profile that has one.
turning() {
    profile_write "$1" <<END
{ "version": 1, "kind": "$2", "key": "pkcs11:object=one", "next_key": "pkcs11:object=$3",
  "algorithm": "HS256", "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": $4 }
END
}
# signature SECRET: of the token in $work/stdout.
signature() {
    local token
    token=$(cat "$work/stdout")
    printf '%s' "${token%.*}" | openssl dgst -sha256 -mac HMAC -macopt "key:$1" -binary |
        openssl base64 -A | tr '+/' '-_' | tr -d =
}
secret=$(random_hex 32)
key_import three "$secret"
turning turn pingone three '[ { "uid": 65533 } ]'
turning turn.login client_assertion three "$allow_me"
turning late pingone nobody "$allow_me"
runs 0 'profiles whose key is about to change' hintsign reload
runs 0 'mint --next' hintsign mint --next turn --subject bob
like "$(cat "$work/stdout")" "\\.$(signature "$secret")\$" '... signs with the key that comes next'
runs 1 '... which is no right to the profile' hintsign mint turn --subject bob
runs 0 'the profile itself' hintsign mint turn.login
unlike "$(cat "$work/stdout")" "\\.$(signature "$secret")\$" '... signs with its key'
runs 0 'as JSON' hintsign mint --next turn --subject bob --reference trial --format json
id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])' <"$work/stdout")
record=$(grep "^{\"seq\":$id," "$work/audit.jsonl")
like "$record" '"type":"mint","listener":"admin",.*"profile":"turn","key":"three","key_digest":"[0-9a-f]*","next_key":true,"audience":.*"token_sha256":.*"reference":"trial"' \
    '... its record says which key it was'
unlike "$record" '"allow"' '... and that nobody was asked'
unlike "$(grep '"profile":"turn.login"' "$work/audit.jsonl")" next_key 'other records do not have it'
like "$(hintsign-audit show "$work/audit.jsonl")" 'turn .*next_key=true' '... and is shown'
runs 0 'a hint as a form' hintsign mint --next turn --subject bob --format form
like "$(cat "$work/stdout")" '^login_hint_token=eyJ' '... is a hint'
runs 0 'an assertion as a form' hintsign mint --next turn.login --format form
like "$(cat "$work/stdout")" '^client_assertion_type=.*&client_assertion=eyJ' '... is an assertion'
# refused STATUS ERROR ARGUMENT...
refused() {
    runs "$1" "${*:3}" hintsign mint --next "${@:3}"
    like "$(cat "$work/stderr")" "^hintsign: $2" "... $2"
}
refused 2 Usage turn --subjects-from /dev/null
refused 1 InvalidClaim turn --claim email=bob@example.com
refused 1 UnknownAudience turn --subject bob --audience https://other.example
refused 1 NotAllowed nowhere --subject bob
refused 1 'KeyUnavailable: The profile has no next_key' one --subject bob
refused 1 'KeyUnavailable: no such key on token a' late --subject bob
PYTHONPATH=$top_srcdir/tests/integration python3 - <<'END'
from varlink_client import *
with Client(os.environ["HINTSIGN_ADMIN_SOCKET"]) as client:
    for _ in range(30):
        client.call("io.hintsign.Admin.MintNext", {"profile": "thirty"})
END
is "$(grep -c '"profile":"thirty"' "$work/audit.jsonl")" 30 'thirty in a row that are refused: each is recorded'
runs 0 'a profile whose next key is not there' mints late
like "$(hintsign status)" 'profile late  ready: next_key: no such key on token a' '... is ready, with a warning'
like "$(cat "$work/agent.log")" 'WARNING: profile late: next_key: no such key on token a' '... also in the log'
sed "s|softhsm2.so|&\&pin-source=file:$work/pin|" "$work/agent.json" >"$work/with-pin.json"
runs 0 '... and in --check' hintsign-agent --config "$work/with-pin.json" --check --token
like "$(cat "$work/stdout")" 'late: ready
late: next_key: no such key on token a' '... which says so'
key_import nobody "$secret"
turning turn pingone nobody "$allow_me"
sed -i 's/object=one/object=three/' "$work/profiles.d/turn.json"
runs 0 'a next key that is the same under another label' hintsign reload
like "$(hintsign status)" 'profile turn  ready: next_key: it is the same key as "key"' '... is a mistake'
refused 1 'KeyUnavailable: it is the same key as "key"' turn --subject bob
turning turn pingone three "$allow_me"
sed -i 's/object=one/object=gone/' "$work/profiles.d/turn.json"
runs 0 'a profile whose key is gone' hintsign reload
runs 4 '... does not mint' mints turn
runs 0 '... but with the next key' hintsign mint --next turn --subject bob
like "$(cat "$work/stdout")" "\\.$(signature "$secret")\$" '... which signs'
runs 0 'a token that is locked' hintsign lock
refused 4 Locked late --subject bob
runs 0 'and unlocked' hintsign unlock <<<"$pin"
rm "$work/profiles.d/turn.json" "$work/profiles.d/turn.login.json" "$work/profiles.d/late.json"
runs 0 'without them' hintsign reload

# --- who may, and bad messages ---

cat >"$work/messages.py" <<'END'
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
ADMIN = "io.hintsign.Admin."
path = os.environ["HINTSIGN_ADMIN_SOCKET"]
with Client(path) as client:
    client.send(encode(ADMIN + "Reload") + encode(SERVICE + "GetInfo") + encode(ADMIN + "Burn"))
    ok("configuration" in client.reply()["parameters"], "several calls in a row")
    equal(client.reply()["parameters"]["interfaces"], [SERVICE[:-1], ADMIN[:-1]], "... are answered in turn")
    equal(error(client.reply()), "MethodNotFound", "... each by itself")
    text = client.call(SERVICE + "GetInterfaceDescription", {"interface": ADMIN[:-1]})["parameters"]["description"]
    with open(os.environ["top_srcdir"] + "/doc/io.hintsign.Admin.varlink", encoding="utf-8") as file:
        equal(text, file.read(), "the interface is the one in doc/")
for name, data in [("no JSON", b"hello\0"), ("no end", b"x" * 40000), ("names twice", b'{"method":"a","method":"a"}\0')]:
    with Client(path) as client:
        client.send(data)
        equal(error(client.reply()), "InvalidMessage", name)
        equal(client.read(), None, "... ends the connection")
with Client(path) as client:
    client.send(b'{"method"')
    client.half_close()
    equal(client.read(), None, "half a message")
END
python3 "$work/messages.py" >"$work/tap"
include_tap <"$work/tap"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 "$work"
    chmod 666 "$HINTSIGN_ADMIN_SOCKET"
    runs 0 'a socket that others can write to' setpriv --reuid 65533 --clear-groups \
        env HINTSIGN_ADMIN_SOCKET="$HINTSIGN_ADMIN_SOCKET" python3 - <<'END'
import os, socket
client = socket.socket(socket.AF_UNIX)
client.connect(os.environ["HINTSIGN_ADMIN_SOCKET"])
client.settimeout(20)
print(client.recv(4096))
END
    like "$(cat "$work/stdout")" 'io.hintsign.Admin.NotAllowed' '... serves them nothing'
    agent_log_has '^WARNING: admin socket: uid 65533 was sent away$'
    is $? 0 '... and the log says who it was'
else
    skip 'another user' 'only root can be another user'
fi

# --- a wrong PIN ---

runs 0 'locked again' hintsign lock a
runs 1 'a wrong PIN' hintsign unlock a <<<wrong
like "$(cat "$work/stderr")" '^hintsign: LoginFailed: a: C_Login: CKR_PIN_INCORRECT; .*CKF_USER_PIN_COUNT_LOW' \
    '... is said so, and how the token stands'
is "$(state a)" locked '... and the token stays locked'
runs 0 'the right one, although the token counts' hintsign unlock a <<<"$pin"
runs 0 '... unlocks it' mints one
unlike "$(cat "$work/agent.log" "$work/audit.jsonl" <(hintsign status --json))" "$pin" \
    'the PIN is in no log and no status'
agent_stop
me="\"uid\":$(id -u),\"pid\":[0-9]*"
is "$(grep -oE '"type":"(unlock|lock|login_failed)",.*"prev"' "$work/audit.jsonl" | tail -n 3 |
    sed "s/$me/by me/; s/,\"prev\"//; s/\"error\":\"C_Login: CKR_PIN_INCORRECT; .*/why/" | tr '\n' ' ')" \
    '"type":"lock","token":"a",by me "type":"login_failed","token":"a",by me,why "type":"unlock","token":"a",by me ' \
    'what an administrator does is in the audit log'
is "$(ls "$HINTSIGN_ADMIN_SOCKET" 2>/dev/null)" '' 'the admin socket goes with the agent'

# --- two tokens of one module ---

profile one a
profile two-b b
rm "$work/profiles.d/two.json"
tokens_json="$(without_pin a), $(without_pin b)"
agent_config
agent_launch
runs 1 'no name, with two tokens' hintsign unlock <<<"$pin"
like "$(cat "$work/stderr")" '^hintsign: UnknownToken: There are several tokens' '... is not guessed'
runs 0 'the first' hintsign unlock a <<<"$pin"
runs 0 '... mints' mints one
runs 4 '... and the second not yet' mints two-b
runs 0 'the second' hintsign unlock b <<<"$pin"
runs 0 '... mints' mints two-b
runs 0 '... and the first still does' mints one

# The login of one lasts, whatever is done with the other, and nobody who mints with it notices.
subjects() {
    until [ -e "$work/enough" ] || [ ! -d "$work" ]; do seq -f "$(printf 'x%.0s' {1..500})%g" 50; done
}
subjects | tee "$work/in" | hintsign mint one --subjects-from - >"$work/out" 2>"$work/err" &
client=$!
wait_for 20 test -s "$work/out"
failed=0
for i in {1..10}; do
    hintsign lock b >/dev/null || failed=$((failed + 1))
    hintsign unlock b <<<wrong >/dev/null 2>&1 && failed=$((failed + 1))
    hintsign unlock b <<<"$pin" >/dev/null || failed=$((failed + 1))
    hintsign reload >/dev/null || failed=$((failed + 1))
done
: >"$work/enough"
is "$failed" 0 'one token is locked and unlocked ten times'
runs 0 '... while another one mints' wait "$client"
is "$(grep -c '^eyJ' "$work/out")" "$(wc -l <"$work/in")" '... every token that it is asked for'
runs 0 'lock without a name' hintsign lock
is "$(tr '\n' ' ' <"$work/stdout")" 'token   a  locked token   b  locked ' '... locks all of them'
agent_stop
tokens_json=$with_pins

# --- a token that names a credential of the service manager ---

mkdir "$work/credentials"
install -m 400 "$work/pin" "$work/credentials/hsm"
tokens_json="{ \"name\": \"a\", \"uri\": \"pkcs11:token=hints-a?module-path=$module&pin-source=credential:hsm\" }"
rm "$work/profiles.d/two-b.json"
agent_config
CREDENTIALS_DIRECTORY=$work/credentials agent_start
runs 0 'a PIN that is a credential' mints one
runs 0 'locked by hand' hintsign lock a
runs 0 '... and unlocked with the credential' hintsign unlock a --no-pin
runs 0 '... it mints' mints one
agent_stop

# --- all workers hang ---

if remote_works; then
    rm "$work"/profiles.d/*
    turning far pingone next "$allow_me"
    sed -i 's/object=one/object=far/' "$work/profiles.d/far.json"
    remote_create hints-r
    remote_import far "$(random_hex 32)"
    remote_import next "$(random_hex 32)"
    tokens_json="{ \"name\": \"r\", \"uri\": \"$remote_uri\" }"
    server_start
    agent_config '"workers": 1'
    agent_start
    server_freeze
    mints far >"$work/out" 2>&1 &
    client=$!
    echo '{' >"$work/profiles.d/bad.json"
    runs 1 'while the only worker hangs' hintsign --timeout 5 reload
    like "$(cat "$work/stderr")" '^hintsign: InvalidConfiguration: ' '... administrators are answered'
    runs 0 '... and it hangs still' kill -0 "$client"
    server_thaw
    wait "$client"
    runs 0 'mint --next' hintsign mint --next far --subject bob
    server_freeze
    refused 4 'NotDone: It is not done yet' far --subject bob
    refused 4 'NotDone: It is not done yet' far --subject bob
    runs 1 '... and administrators are answered' hintsign --timeout 5 reload
    server_thaw
    wait_for 20 hintsign mint --next far --subject bob
    is $? 0 'when the token answers again, the next key can be tried again'
    agent_stop
else
    skip 'all workers hang' 'p11-kit-client.so or p11-kit is not installed'
fi
done_testing
