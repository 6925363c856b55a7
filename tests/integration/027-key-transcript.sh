#!/usr/bin/env bash
# hintsign-key --transcript: every ceremony leaves its records, and none happens without.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3 prlimit flock

token_create
token_create b
transcript=$work/ceremonies.jsonl
key() {
    local command=$1
    shift
    hintsign-key "$command" --token "$(token_uri)" --transcript "$transcript" "$@" </dev/null
}
import() {
    random_hex 32 | hintsign-key import --token "$(token_uri)" --transcript "$transcript" "$@"
}
labels() {
    hintsign-key list --token "$(token_uri)" | cut -d' ' -f1 | sort | tr '\n' ' '
}

# record LINE NAME=VALUE...: members of a line, counted from the end; an empty value: there is none.
record() {
    local line=$1
    shift
    tail -n "$line" "$transcript" | head -n 1 >"$work/record"
    runs 0 "... recorded: $*" python3 -c '
import json, sys
record = json.load(open(sys.argv[1]))
for wanted in sys.argv[2:]:
    name, value = wanted.split("=", 1)
    if str(record.get(name, "")) != value:
        sys.exit(f"{name}: {record.get(name)}")' "$work/record" "$@"
}
who="type=ceremony uid=$(id -u) host=$(uname -n)"

# shellcheck disable=SC2086
{
    runs 0 'an import into two tokens' import --token "$(token_uri b)" --label acme --id 0a0b
    record 2 $who command=import outcome=begun label=acme id=0a0b alg=HS256 key_digest= error=
    record 1 $who command=import outcome=done label=acme id=0a0b alg=HS256 error=
    like "$(cat "$work/record")" '"tokens":\[\{"label":"hints-a","serial":"[0-9a-f]+"\},\{"label":"hints-b",' \
        '... with both tokens'
    like "$(cat "$work/record")" '"key_digest":"[0-9a-f]{32}"' '... and which key it is'
    acme_digest=$(sed 's/.*"key_digest":"\([0-9a-f]*\)".*/\1/' "$work/record")
    runs 0 'a derived one' import --label bank --derive authway
    record 1 outcome=done label=bank derive=authway
    runs 0 'a key pair' key generate --label pair --type ec:P-256
    record 2 $who command=generate outcome=begun key_type=ec:P-256 label=pair alg= key_digest=
    record 1 outcome=done key_type=ec:P-256 alg=ES256
    digest=$(sed 's/.*"key_digest":"\([0-9a-f]*\)".*/\1/' "$work/record")
    runs 0 'a key deleted' key delete --label pair --yes
    record 2 $who command=delete outcome=begun label=pair key_type=ec:P-256 alg=ES256 "key_digest=$digest"
    record 1 command=delete outcome=done label=pair
}
is "$(stat -c %a "$transcript")" 600 'the transcript is private'
lines=$(wc -l <"$transcript")
runs 1 'a name that is taken' import --label acme
is "$(wc -l <"$transcript")" "$lines" '... nothing was begun'
runs 0 'list changes nothing' hintsign-key list --token "$(token_uri)"
runs 2 '... and takes no transcript' key list

runs 0 'the transcript is whole' hintsign-audit verify "$transcript"
like "$(cat "$work/stdout")" "^ok: $lines records, 0 checkpoints" '... as hintsign-audit says'
like "$(hintsign-audit show "$transcript" | tail -n 1)" \
    " ceremony +$(id -u) +- +done +command=delete label=pair key_type=ec:P-256 host=" '... and shows'
sed '3s/bank/bang/' "$transcript" >"$work/changed"
runs 1 'a change shows' hintsign-audit verify "$work/changed"
like "$(cat "$work/stdout")" "^$work/changed:3: the line was changed" '... where it is'

# The digest is the one in the agent's audit log.
profile_pingone acme
agent_config
agent_start
runs 0 'a token' hintsign mint acme --subject bob
agent_stop
like "$(grep '"type":"mint"' "$work/audit.jsonl")" "\"key_digest\":\"$acme_digest\"" \
    'the agent records the same digest'

# --- nothing without a record ---

before=$(labels)
# kept NAME: the ceremony failed before the token was changed.
kept() {
    is "$(labels)" "$before" "$1"
}
transcript=$work/missing/transcript
runs 1 'a transcript that cannot be opened' import --label other
like "$(cat "$work/stderr")" '^hintsign-key: ERROR: transcript .*/missing/transcript: No such file or directory$' \
    '... says why'
kept '... and nothing is imported'
transcript=$work/ceremonies.jsonl
size=$(stat -c %s "$transcript")
# Room for a line and a half more.
full() {
    (
        trap '' XFSZ
        prlimit --pid "$BASHPID" --fsize="$1"
        shift
        "$@"
    )
}
runs 1 'a full disk' full "$((size + 20))" import --label other
kept '... nothing is imported'
runs 1 'the same' full "$((size + 20))" key delete --label acme --yes
kept '... nothing is deleted'
is "$(stat -c %s "$transcript")" "$size" '... and no half line stays'
runs 1 'a full disk afterwards' full "$((size + 450))" import --label late
like "$(cat "$work/stderr")" 'it is done, but not recorded: transcript .*: File too large$' '... says so'
record 1 outcome=begun label=late
before="late $before"
before=$(tr ' ' '\n' <<<"$before" | grep . | sort | tr '\n' ' ')
kept '... the key is there'
exec 9>>"$transcript"
flock 9
runs 1 'another ceremony' import --label other
like "$(cat "$work/stderr")" 'another program is writing it$' '... is waited for by nobody'
exec 9>&-
kept '... nothing is imported'

# --- a ceremony that fails ---

strange() {
    local habit=$1 command=$2
    shift 2
    random_hex 32 | STRANGE_MODULE=$module STRANGE=$habit hintsign-key "$command" --transcript "$transcript" \
        --token "pkcs11:token=hints-a?module-path=$top_builddir/tests/modules/.libs/strange.so&pin-source=file:$work/pin" \
        "$@"
}
runs 1 'a token that makes a weak key' strange extractable import --label weak
record 2 outcome=begun label=weak error=
record 1 outcome=failed label=weak key_digest=
like "$(cat "$work/record")" '"error":"[^"]*CKA_EXTRACTABLE; it was removed again"' '... and why'
runs 1 'a key that cannot be deleted' strange destroy-fails delete --label acme --yes
record 1 command=delete outcome=failed label=acme
like "$(hintsign-audit show --errors "$transcript" | tail -n 1)" 'C_DestroyObject.*command=delete' \
    '... is shown among the errors'
runs 0 'all of it is whole' hintsign-audit verify "$transcript"

# A torn line, as after a power failure.
printf '{"seq":' >>"$transcript"
runs 0 'a line that was not finished' key delete --label bank --yes
record 3 type=torn bytes=7
runs 0 '... and a chain that is whole' hintsign-audit verify "$transcript"
done_testing
