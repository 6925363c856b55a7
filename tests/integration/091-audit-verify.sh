#!/usr/bin/env bash
# hintsign-audit: what it says of logs that are whole, and of those that are not.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3 openssl readelf

mkdir "$work/made"
python3 "$top_srcdir/tests/integration/audit_log.py" "$work/made" 20 3 ||
    bail_out 'no audit log could be made'
cd "$work/made" || bail_out 'no folder'
keys=(--keys keys.json)
audit() {
    hintsign-audit "$@" </dev/null
}
# says REGEX NAME: what the last command wrote to standard output.
says() {
    like "$(cat "$work/stdout")" "$1" "... $2"
}
# complains REGEX: its one line on standard error.
complains() {
    like "$(cat "$work/stderr")" "^hintsign-audit: ERROR: $1\$" "... it says why"
    is "$(wc -l <"$work/stderr")$(cat "$work/stdout")" 1 '... in one line, and nothing else'
}

# --- verify ---

end=$(tail -n 1 log.jsonl | head -c -1 | sha256sum | cut -d' ' -f1)
runs 0 'a whole log' audit verify "${keys[@]}" log.jsonl
is "$(cat "$work/stdout")" "ok: 23 records, 1 checkpoints, last 2026-01-31T12:00:23.000000Z
unsealed tail: 3
end: 24:$end" '... with a tail that nothing covers'
runs 3 '... which --strict does not let pass' audit verify --strict "${keys[@]}" log.jsonl
says '^ok: ' 'it is no tampering'
head -n 21 log.jsonl >sealed.jsonl
runs 0 'a log up to its checkpoint' audit verify --strict "${keys[@]}" sealed.jsonl
unlike "$(cat "$work/stdout")" unsealed '... has no such tail'
runs 0 'without keys' audit verify log.jsonl
says 'no checkpoint was checked' 'that is said'

sed '7s/order 7/order 8/' log.jsonl >changed.jsonl
runs 1 'a record changed' audit verify "${keys[@]}" changed.jsonl
is "$(cat "$work/stdout")" 'changed.jsonl:7: the line was changed: prev of the next is not its hash' \
    '... is named'
runs 1 '... also without keys' audit verify changed.jsonl
sed '9d' log.jsonl >deleted.jsonl
runs 1 'a record deleted' audit verify deleted.jsonl
says '^deleted.jsonl:9: sequence number 10 where 9 must be' 'is missed'

# A rotated log.
head -n 12 log.jsonl >log.1
tail -n +13 log.jsonl >log.2
runs 0 'a log in two files' audit verify "${keys[@]}" log.1 log.2
says "end: 24:$end" 'is one'
runs 1 '... in the wrong order' audit verify "${keys[@]}" log.2 log.1
says '^log.2:1: the log begins with sequence number 13' 'is refused'
runs 1 '... and without its beginning' audit verify "${keys[@]}" log.2
audit verify "${keys[@]}" log.1 >"$work/first"
runs 0 '... but for what was verified before' audit verify "${keys[@]}" \
    --expect "$(sed -n 's/^end: //p' "$work/first")" log.2
cat log.1 log.2 >"$work/both"
runs 0 'standard input' hintsign-audit verify "${keys[@]}" - <"$work/both"

# What was noted elsewhere.
expect=$(cat expect)
runs 0 'an expected line' audit verify --expect "$expect" log.jsonl
head -n 15 log.jsonl >cut.jsonl
runs 0 'an end cut off is not seen' audit verify "${keys[@]}" cut.jsonl
runs 1 '... but with an expected line' audit verify --expect "$expect" cut.jsonl
says '^cut.jsonl:15: the log ends here, and the expected line 20 is missing' 'named'
runs 1 'an expected line that is another' audit verify \
    --expect "20:$(printf '%064d' 0)" log.jsonl
says '^log.jsonl:20: line 20 is not the one that is expected' 'named'

# --- hostile files ---

# broken NAME FILE LINE
broken() {
    runs 1 "$1" audit verify "$2"
    says "^$2:$3: " "line $3 is named"
}
{ cat cut.jsonl && head -c 70000 /dev/zero | tr '\0' 'x'; } >long
broken 'a line that is too long' long 16
{ head -c 66000 /dev/zero | tr '\0' '[' && echo; } >deep
broken 'JSON that is too long and deep' deep 1
{ head -n 4 log.jsonl && sed -n '5s/order 5/order 6/p' log.jsonl && sed -n 6p log.jsonl && cat deep; } >two
broken 'the first of two problems' two 6
{ head -c 60000 /dev/zero | tr '\0' '[' && echo; } >deep
broken 'JSON that is too deep' deep 1
{ cat cut.jsonl && head -c 100 /dev/zero && echo; } >nul
broken 'NUL bytes' nul 16
{ cat cut.jsonl && echo && sed -n 16p log.jsonl; } >empty_line
broken 'an empty line' empty_line 16
sed 's/"seq":1,/"seq":1e99,/' log.jsonl >number
broken 'a huge number' number 1
{ cat cut.jsonl && printf '{"seq":16'; } >unfinished
runs 0 'a line that is not finished' audit verify unfinished
says 'unfinished line: 9 bytes' 'is said'
runs 3 '... and is not covered' audit verify --strict "${keys[@]}" unfinished
runs 1 '... and has nothing behind it' audit verify unfinished log.2
says '^unfinished:16: ' 'it is named'
: >empty
runs 0 'an empty log' audit verify "${keys[@]}" empty
is "$(cat "$work/stdout")" 'ok: 0 records, 0 checkpoints' '... is one'
runs 1 '... but not when something is expected' audit verify --expect "$expect" empty

# --- what is wrong otherwise ---

runs 2 'no file' audit verify
complains 'which log\? .*'
runs 2 'a file that is not there' audit verify log.jsonl missing
complains 'missing: No such file or directory'
runs 2 'a folder' audit verify "$work"
complains '.*: Is a directory'
runs 2 'no keys' audit verify --keys missing log.jsonl
complains 'missing: No such file or directory'
runs 2 'keys that are none' audit verify --keys log.jsonl log.jsonl
complains 'log.jsonl: it is not JSON'
runs 2 'a private key' audit verify --keys private.json log.jsonl
complains 'private.json: a key has members of a private or secret key'
for wrong in 20 20: 0:"${expect#*:}" x:"${expect#*:}" " $expect" "${expect}0" "${expect^^}"; do
    runs 2 "--expect '${wrong:0:20}'" audit verify --expect "$wrong" log.jsonl
done
complains '--expect takes SEQ:SHA256.*'
runs 2 '--strict without keys' audit verify --strict log.jsonl
complains '--strict needs --keys.*'
runs 2 'an unknown option' audit verify --nothing log.jsonl
complains '--nothing is no option.*'
runs 2 'no command' audit
runs 2 'an unknown command' audit nothing
for help in --help --version 'verify --help' 'show --help'; do
    # shellcheck disable=SC2086
    runs 0 "$help" audit $help
done
hintsign-audit verify log.jsonl >/dev/full 2>"$work/stderr"
is $? 2 'a result that cannot be written is none'

# --- show ---

# shows NUMBERS NAME OPTION...: which records it shows.
shows() {
    local numbers=$1 name=$2
    shift 2
    is "$(audit show "$@" log.jsonl | awk '{ printf " %s", $2 }')" " $numbers" "$name"
    is "$(audit show --json "$@" log.jsonl)" \
        "$(for number in $numbers; do sed -n "${number}p" log.jsonl; done)" '... or the lines'
}
shows '3 6 9 12 15 18 22' 'those of a profile' --profile bank
shows '23 24' 'those since a time' --since 2026-01-31T12:00:22Z
shows '2' 'those that failed' --errors
shows '22' 'all of it together' --profile bank --since 2026-01-31T12:00:19
is "$(audit show log.jsonl | wc -l)" 24 'or all'
is "$(audit show --since 2027 log.jsonl)" '' 'or none'
is "$(audit show log.jsonl | sed -n 2p)" \
    '2026-01-31T12:00:01.000000Z        2  mint          1000                acme              NotAllowed     alg=HS256 reference=order 2' \
    'a line for people'
like "$(audit show log.jsonl | sed -n 3p)" ' 1001 portal\.service +bank .* reference=\\u007f\\u009b31m$' \
    'text of others is shown, not obeyed'
is "$(hintsign-audit show - <log.jsonl)" "$(audit show log.jsonl)" 'from standard input'
{ head -n 2 log.jsonl && echo nonsense && tail -n +3 log.jsonl; } >nonsense.jsonl
runs 1 'a line that is no record' audit show nonsense.jsonl
is "$(wc -l <"$work/stdout") $(cat "$work/stderr")" \
    '24 hintsign-audit: ERROR: nonsense.jsonl:3: the line is not JSON' '... is named, the others are shown'
{ head -n 2 log.jsonl && head -c 700000 /dev/zero | tr '\0' 'x' && echo && tail -n +3 log.jsonl; } >long.jsonl
runs 1 'a very long line' audit show long.jsonl
is "$(wc -l <"$work/stdout") $(cat "$work/stderr")" \
    '24 hintsign-audit: ERROR: long.jsonl:3: the line is longer than any that the agent writes' \
    '... is passed over'
runs 2 'no time' audit show --since yesterday log.jsonl
complains '--since takes a time in UTC.*'
runs 2 'a log that is not there' audit show missing

# --- the agent's own log ---

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
hintsign-key generate --token "$(token_uri)" --label audit --type ec:P-256 >/dev/null
agent_config
sed -i 's|"audit": {|"audit": { "checkpoint_key": "pkcs11:object=audit",|' "$work/agent.json"
log=$work/audit.jsonl
agent_start
hintsign jwks --audit >agent-keys.json
for subject in bob eve; do hintsign mint acme --subject $subject --reference "for \"$subject\"" >/dev/null; done
runs 1 'a refusal' hintsign mint unknown --subject bob
agent_stop
checkpoint=$(sed -n 's/^audit: checkpoint //p' "$work/agent.log" | tail -n 1)
runs 0 'the log of an agent' audit verify --strict --keys agent-keys.json --expect "$checkpoint" "$log"
says "^ok: [0-9]+ records, [1-9] checkpoints, last $(date -u +%Y)-" 'is whole'
like "$(audit show --profile acme "$log")" \
    " mint +$(id -u) +acme +ok +audience=https://op\.example alg=HS256 reference=for \"bob\"" '... and shown'
like "$(audit show --errors "$log")" ' mint .* unknown +NotAllowed' '... with what was refused'

# Its end is cut off, and the agent goes on.
head -n 3 "$log" >shorter && cat shorter >"$log"
runs 1 'an end cut off' audit verify --expect "$checkpoint" "$log"
says "^$log:3: the log ends here, and the expected line ${checkpoint%:*} is missing" 'is told'
agent_start --accept-log-gap
seq 30 | hintsign mint acme --subjects-from - >/dev/null
agent_stop
runs 0 'a log that goes on where it was cut off' audit verify --strict --keys agent-keys.json "$log"
says 'gaps: 1, see' 'tells so'
runs 1 '... and is not what is expected' audit verify --keys agent-keys.json --expect "$checkpoint" "$log"
says "^$log:${checkpoint%:*}: line ${checkpoint%:*} is not the one that is expected" 'at its line'

# --- what it is made of ---

needed=$(readelf -d "$top_builddir/hintsign-audit" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
like "$needed" 'libcrypto\.so' 'hintsign-audit needs OpenSSL'
unlike "$needed" 'p11|curl|libssl|libhintsign' '... but no HSM token, no network, no agent'
done_testing
