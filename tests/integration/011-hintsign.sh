#!/usr/bin/env bash
# The command hintsign against an agent that is a script: options, formats, exit status, errors.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/scripted_agent.sh"

# claims <TOKENS: the claims of each, unverified.
claims() {
    python3 -c '
import base64, sys
for line in sys.stdin.read().split():
    part = line.split(".")[1]
    print(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())'
}

header=eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9
bob=$header.eyJzdWIiOiJib2IifQ.AAAA

# --- mint ---

runs 0 'mint' hintsign mint pingone --subject bob
is "$(stdout | od -c)" "$(printf '%s\n' "$bob" | od -c)" 'a token and a newline, nothing else'
is "$(stderr)" '' 'nothing on standard error'
is "$(asked)" '{"profile":"pingone","claims":{"sub":"bob"}}' 'what was asked'
runs 0 'mint without claims' hintsign mint login
is "$(asked)" '{"profile":"login"}' 'no claims, no member'
runs 0 'options in any order' hintsign --timeout 5 mint --audience https://a --claim 'a=b' pingone \
    --claim n:=5 --claim 'o:={"x":[1,null]}' --claim 'u=x:=y' --claim 'empty=' --reference r-1 --subject zoë
is "$(asked)" '{"profile":"pingone","audience":"https://a","claims":{"a":"b","n":5,"o":{"x":[1,null]},"u":"x:=y","empty":"","sub":"zoë"},"reference":"r-1"}' \
    'every option arrives'
printf 'from\nhere\n' | hintsign mint pingone --subject - >/dev/null
is "$(asked)" '{"profile":"pingone","claims":{"sub":"from\nhere"}}' 'the subject from standard input, less one newline'
echo '{"sub":"f","n":[1]}' | hintsign mint pingone --claims-file - --claim a=b >/dev/null
is "$(asked)" '{"profile":"pingone","claims":{"sub":"f","n":[1],"a":"b"}}' 'claims from standard input'
echo '{"sub":"g"}' >"$work/claims.json"
runs 0 'claims from a file' hintsign mint pingone --claims-file "$work/claims.json"
is "$(asked)" '{"profile":"pingone","claims":{"sub":"g"}}' '... arrive'

runs 0 'format token' hintsign mint pingone --subject bob --format token
is "$(stdout)" "$bob" '... the token'
runs 0 'format json' hintsign mint pingone --subject bob --format json
is "$(stdout)" '{"token": "'"$bob"'", "expires_at": 1300819680, "kid": "k\u007f", "id": 41}' '... an object'
runs 0 'format form' hintsign mint pingone --subject bob --format form
is "$(stdout)" "login_hint_token=$bob" '... of a hint'
runs 0 'format form' hintsign mint login --format form
is "$(stdout)" "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=$header.e30.AAAA" \
    '... of a client assertion'
runs 0 'format form' hintsign mint unlisted --format form
is "$(stdout)" "login_hint_token=$header.e30.AAAA" '... of a profile that is not listed'

fails 1 'hintsign: NotAllowed: The profile does not exist' hintsign mint pingone --subject refused
fails 4 'hintsign: RateLimited: Too many requests.' hintsign mint pingone --subject limited
fails 4 'hintsign: Locked: ' hintsign mint pingone --subject locked
fails 4 'hintsign: Internal: red ?[31m alert?second line ??' hintsign mint pingone --subject escape
fails 3 'hintsign: Protocol: ' hintsign mint pingone --subject wrong
fails 3 'hintsign: Protocol: ' hintsign mint pingone --subject garbage
fails 3 'hintsign: Protocol: ' hintsign mint pingone --subject 'header injection'
fails 3 'hintsign: Unreachable: ' hintsign mint pingone --subject 'hang up'
fails 4 'hintsign: Timeout: ' hintsign mint pingone --subject silence --timeout 1
fails 3 'hintsign: Unreachable: cannot connect to the agent at /nonexistent: ' hintsign --socket /nonexistent mint pingone
fails 3 'hintsign: Unreachable: cannot connect to the agent at /nonexistent: ' env HINTSIGN_SOCKET=/nonexistent hintsign status

# --- usage ---

lines=$(wc -l <"$work/requests")
fails 2 'hintsign: Usage: a command is missing' hintsign
fails 2 "hintsign: Usage: there is no command 'mind'" hintsign mind
fails 2 'hintsign: Usage: there is no option --colour' hintsign --colour
fails 2 'hintsign: Usage: there is no option --colour' hintsign mint pingone --colour
fails 2 'hintsign: Usage: there is no option -q' hintsign mint pingone -q
fails 2 'hintsign: Usage: --subject needs a value' hintsign mint pingone --subject
fails 2 'hintsign: Usage: --json=1: the option takes no value' hintsign profiles --json=1
fails 2 'hintsign: Usage: name one profile' hintsign mint
fails 2 'hintsign: Usage: name one profile' hintsign mint a b
fails 2 'hintsign: Usage: --claim takes' hintsign mint a --claim b
fails 2 'hintsign: Usage: --claim takes' hintsign mint a --claim =b
fails 2 'hintsign: Usage: --claim takes' hintsign mint a --claim :=1
fails 2 "hintsign: Usage: the claim 'b' is not JSON" hintsign mint a --claim b:=x
fails 2 "hintsign: Usage: the claim 'b' is not UTF-8" hintsign mint a --claim b=$'\xff'
fails 2 "hintsign: Usage: the claim 'sub' is given twice" hintsign mint a --subject b --claim sub=b
fails 2 "hintsign: Usage: the claim 'sub' is given twice" hintsign mint a --subject b --claims-file "$work/claims.json"
fails 2 'hintsign: Usage: only one option' hintsign mint a --subject - --claims-file - </dev/null
fails 2 'hintsign: Usage: --subjects-from' hintsign mint a --subject b --subjects-from "$work/claims.json"
fails 2 'hintsign: Usage: --format takes' hintsign mint a --format xml
fails 2 'hintsign: Usage: --timeout takes' hintsign mint a --timeout 0
fails 2 'hintsign: Usage: --timeout takes' hintsign mint a --timeout 1s
fails 2 'hintsign: Usage: --wait goes with --ready' hintsign status --wait 1
fails 2 'hintsign: Usage: takes no argument' hintsign status now
fails 2 'hintsign: Usage: --format is text, json or openmetrics' hintsign status --format xml
fails 2 'hintsign: Usage: --output goes with --format openmetrics' hintsign status --json --output x
fails 2 'hintsign: Usage: --json, --format and --ready exclude' hintsign status --format text --ready
fails 2 "hintsign: Usage: the socket's path" hintsign --socket '' status
fails 2 'hintsign: Input: cannot open /nonexistent' hintsign mint a --claims-file /nonexistent
fails 2 'hintsign: Input: cannot open /nonexistent' hintsign mint a --subjects-from /nonexistent
printf '{"a":1,\n"a":2}' >"$work/bad.json"
fails 2 "hintsign: Usage: $work/bad.json, line 2: duplicate" hintsign mint a --claims-file "$work/bad.json"
echo '[1]' >"$work/bad.json"
fails 2 "hintsign: Usage: $work/bad.json does not hold" hintsign mint a --claims-file "$work/bad.json"
printf 'a\0b' >"$work/nul"
fails 2 "hintsign: Usage: the claim 'sub' is not UTF-8, or holds a NUL" hintsign mint a --subject - <"$work/nul"
is "$(wc -l <"$work/requests")" "$lines" 'the agent was never asked'

runs 2 'a command of two lines' hintsign $'two\nlines\xc2\x9b'
is "$(stderr)" "hintsign: Usage: there is no command 'two\u000alines\u009b'; see hintsign --help" '... is told in one'

seq 5000 >"$work/subjects"
runs 4 'closed standard output is not success' sh -c "hintsign mint pingone --subjects-from - <$work/subjects >&-"
is "$(stderr | cut -d: -f1-2)" 'hintsign: Output' '... and nothing is written into the connection'
runs 4 'a full disk is not success' sh -c 'hintsign mint pingone --subject bob >/dev/full'
like "$(stderr)" '^hintsign: Output: ' '... and is told'

# --- many subjects ---

printf 'bob\nrefused\n\nzoë\nlimited\n\xff\na\0b\nlast' >"$work/subjects"
runs 1 'some subjects fail' hintsign mint pingone --subjects-from "$work/subjects" --claim c=d
is "$(stdout | claims)" '{"c":"d","sub":"bob"}
{"c":"d","sub":""}
{"c":"d","sub":"zoë"}
{"c":"d","sub":"last"}' \
    'the others get their tokens'
is "$(stdout | grep -n '^$' | xargs)" '2: 5: 6: 7:' 'an empty line for each that gets none'
is "$(stderr | cut -d: -f1-3)" 'hintsign: NotAllowed: line 2
hintsign: RateLimited: line 5
hintsign: Invalid: line 6
hintsign: Invalid: line 7' 'every failure with its line'
printf '{"sub":"admin"}\0\xff\n{"sub":"admin"}\n' >"$work/subjects"
runs 1 'a line that is an object' hintsign mint pingone --subjects-from "$work/subjects"
is "$(stdout | claims)" '{"sub":"{\"sub\":\"admin\"}"}' '... is a subject or refused, never claims'
printf 'bob\nlimited\n' >"$work/subjects"
runs 4 'all may succeed later' hintsign mint pingone --subjects-from - <"$work/subjects"
seq 5000 >"$work/subjects"
runs 0 'five thousand subjects' hintsign mint pingone --subjects-from - --format form <"$work/subjects"
is "$(stdout | sed 's/^login_hint_token=//' | claims | tr -dc '0-9\n' | cmp - "$work/subjects" 2>&1)" \
    '' '... get theirs in order'
(seq 99; echo 'hang up'; seq 200) >"$work/subjects"
runs 3 'the agent goes away' hintsign mint pingone --subjects-from "$work/subjects"
is "$(stdout | wc -l)" 99 '... after so many tokens'
like "$(stderr)" '^hintsign: Unreachable: from line 100 on: ' '... and the line is told'
head -c 70000 /dev/zero | tr '\0' x >"$work/subjects"
fails 2 'hintsign: Input: cannot read line 1' hintsign mint pingone --subjects-from "$work/subjects"
: >"$work/subjects"
runs 0 'no subject at all' hintsign mint pingone --subjects-from "$work/subjects"
is "$(stdout)" '' '... no token'

# A line is answered when it comes, not when the file ends.
coproc hintsign mint pingone --subjects-from -
minter=$COPROC_PID
for subject in bob zoë; do
    echo "$subject" >&"${COPROC[1]}"
    read -r -t 20 token <&"${COPROC[0]}"
    is "$(claims <<<"$token")" "{\"sub\":\"$subject\"}" "a token for $subject at once"
done
kill "$minter"
wait "$minter" 2>/dev/null

# --- profiles, status ---

runs 0 'profiles' hintsign profiles
is "$(stdout)" 'PROFILE   KIND              ALGORITHM  READY  CLAIMS             AUDIENCES
pingone   pingone           HS256      yes    sub                https://op.example/as
shop      authway           HS256      no     (sub|email) [tid]  https://a https://b
login     client_assertion  HS512      yes                       https://op.example
\u001b[31mred  pingone\u009b         ?          no                        ' 'a table, whatever the agent says'
runs 0 'profiles --json' hintsign profiles --json
is "$(python3 -c 'import json, sys; print(*(p["name"] for p in json.load(sys.stdin)["profiles"][:3]))' <"$work/stdout")" \
    'pingone shop login' '... is JSON'

runs 0 'status' hintsign status
is "$(stdout)" 'agent   9.9  not ready, configuration 3
token   a  up
token   b  down: gone
profile pingone  ready
profile shop  not ready: no key \u001b[31m' '... for humans'
runs 0 'status --json' hintsign status --json
is "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["configuration"])' <"$work/stdout")" 3 '... is JSON'
as_json=$(stdout)
runs 0 'status --format json' hintsign status --format json
is "$(stdout)" "$as_json" '... is the same'
runs 0 'status --format text' hintsign status --format text
is "$(stdout | head -n 1)" 'agent   9.9  not ready, configuration 3' '... is for humans'
fails 1 'hintsign: NotAllowed: the numbers are for root' hintsign status --format openmetrics
fails 4 'hintsign: NotReady: ' hintsign status --ready
fails 4 'hintsign: NotReady: ' hintsign status --ready --wait 1
hintsign status --ready --wait 60 &
waiter=$!
touch "$work/ready"
wait "$waiter"
is $? 0 '--wait ends when the agent is ready'
runs 0 'status --ready' hintsign status --ready
is "$(stdout)" '' '... prints nothing'
fails 3 'hintsign: Unreachable: ' hintsign --socket "$work/nobody" status --ready --wait 1
touch "$work/silent"
fails 4 'hintsign: Timeout: ' timeout 20 hintsign status --ready --wait 1 --timeout 600
rm "$work/silent"

# --- decode ---

token=$header.eyJzdWIiOiJ6b8OrICIiLCJuIjpbMV19.AAAA
runs 1 'decode: claims that are no JSON' hintsign decode "$token"
token=$header.eyJzdWIiOiJ6b8OrIiwibiI6WzFdfQ.AAAA
runs 0 'decode' hintsign decode "$token"
is "$(stdout)" '{
  "typ": "JWT",
  "alg": "HS256"
}
{
  "sub": "zoë",
  "n": [
    1
  ]
}' 'header and claims, in their order'
is "$(stderr)" 'hintsign: decode verifies nothing' 'says that it verifies nothing'
decoded=$(stdout)
echo "$token" >"$work/token"
runs 0 'decode from standard input' hintsign decode <"$work/token"
is "$(stdout)" "$decoded" '... the same'
runs 0 'decode -' hintsign decode - <"$work/token"
is "$(stdout)" "$decoded" '... the same'
runs 0 'decode an encrypted token' hintsign decode eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d
is "$(stdout)" '{
  "alg": "RSA-OAEP-256"
}' '... its header'
like "$(stderr)" 'the claims are encrypted' '... and says why no more'
# {"a":"<ESC>"}, DEL and U+009B as such
runs 0 'decode control characters' hintsign decode e30.eyJhIjoiXHUwMDFiXHUwMDdmXHUwMDliIn0.x
is "$(stdout | LC_ALL=C tr -d '[:print:]\n' | wc -c)" 0 '... none reaches the terminal'
is "$(stdout | python3 -c 'import sys; print(sys.stdin.read().count("\\u00"))')" 3 '... but all are shown'

# nested LEVELS: a token with a claim that has so many levels less one.
nested() {
    python3 -c '
import base64, sys
levels = int(sys.argv[1]) - 1
claims = "{\"a\":" + "[" * levels + "]" * levels + "}"
print("e30." + base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode() + ".x")' "$1"
}
nested 16 | hintsign decode >"$work/stdout" 2>/dev/null
like "$(stdout)" $'"a": \\[\n    \\[\n' 'nested JSON is indented'
nested 17 | hintsign decode >"$work/stdout" 2>/dev/null
is "$(stdout)" '{}
{"a": [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}' '... but not if it is very deep'

# {"<U+009B>31m":1,"<U+009B>31m":2}
fails 1 'hintsign: Malformed: header: not a JSON object: duplicate object key near '"'"'"\u009b31m"' \
    hintsign decode eyLCmzMxbSI6MSwiwpszMW0iOjJ9.e30.x

for bad in '' x a.b a.b.c.d a.b.c.d.e.f 'e3 0.e30.x' e30=.e30.x e31.e30.x e.e30.x W10.e30.x \
    eyJhIjoxLCJhIjoyfQ.e30.x e30.W10.x e30..x .e30.x; do
    runs 1 "decode: '$bad' is no token" hintsign decode "$bad"
done
fails 2 'hintsign: Usage: takes one token' hintsign decode a b

# --- help, manual page ---

runs 0 '--version' hintsign --version
like "$(stdout)" '^hintsign [0-9]+\.[0-9]+\.[0-9]+$' '... a version'
page=$top_srcdir/doc/hintsign.1
# options <TEXT: every long option that is named there.
options() {
    grep -oE -- '--[a-z][a-z-]+' | sort -u
}
runs 0 '--help' hintsign --help
like "$(stdout)" 'mint.*profiles.*status.*jwks.*decode.*unlock.*lock.*reload' 'every command'
{
    stdout
    for command in mint profiles status jwks decode unlock lock reload; do hintsign "$command" --help; done
} | options >"$work/help.options"
sed 's/\\-/-/g; s/Fl -/--/g' "$page" | options | grep -vx -- --data >"$work/page.options"
is "$(grep -vx -- --data "$work/help.options")" "$(cat "$work/page.options")" 'help and hintsign.1 have the same options'
done_testing
