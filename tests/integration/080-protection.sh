#!/usr/bin/env bash
# Keys that are not protected enough, or not clear: refused with the reason, while the others serve.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
new_keys=$top_builddir/tests/integration/new_keys
[ -x "$new_keys" ] || skip_all 'tests/integration/new_keys is not built'

token_create
token_create b

# key LABEL [ATTRIBUTE=VALUE]...: on token a, or on $token.
key() {
    local label=$1
    shift
    "$new_keys" "$module" "hints-${token:-a}" "$work/pin" "$label" 1 "$@" ||
        bail_out "cannot create the key $label"
}

declare -A reasons
# profile NAME URI ALGORITHM [REASON]: with a REASON the agent must refuse its key.
profile() {
    profile_write "$1" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:$2", "algorithm": "$3",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": $allow_me }
END
    reasons[$1]=${4:-}
}

# unfit NAME REASON ATTRIBUTE=VALUE...: a key and its profile; what is on token a cannot be used.
unfit() {
    local name=$1 reason=$2
    shift 2
    key "$name" "$@"
    profile "$name" "object=$name" HS256 "the key $reason; no such key on token b"
}

key good
profile good object=good HS256

unfit extractable 'is CKA_EXTRACTABLE' extractable=1
unfit open 'is not CKA_SENSITIVE' sensitive=0
unfit open-extractable 'is not CKA_SENSITIVE' sensitive=0 extractable=1
unfit public 'is not CKA_PRIVATE: it can be used without a login' private=0
unfit mute 'is not CKA_SIGN: it cannot sign' sign=0
for use in encrypt decrypt; do
    unfit "$use" "may $use (CKA_${use^^}), not only sign and verify" $use=1
done
for use in wrap unwrap derive; do
    unfit "$use" "may $use keys (CKA_${use^^}), not only sign and verify" $use=1
done
unfit short 'has 31 bytes, HS256 needs 32 (RFC 7518 section 3.2)' length=31
unfit aes 'is of a type that does not serve HS256' type=0x1f
profile short384 object=good HS384 \
    'the key has 32 bytes, HS384 needs 48 (RFC 7518 section 3.2); no such key on token b'

key data class=0 private=1
profile data object=data HS256 'no such key on token a; no such key on token b'
profile missing object=missing HS256 'no such key on token a; no such key on token b'
profile elsewhere 'token=hints-b;object=good' HS256 'no such key on token a; no such key on token b'
profile nowhere 'token=nowhere;object=good' HS256 'no such key on token a; no such key on token b'
profile case object=GOOD HS256 'no such key on token a; no such key on token b'

key twins id=1
key twins id=2
profile twins object=twins HS256 '2 keys of that name on token a; no such key on token b'
profile twin 'object=twins;id=%02' HS256

# One algorithm a key; two profiles of one algorithm are all right.
key long length=64
profile long256 object=long HS256 'the same key is used with HS256 and HS512: one algorithm a key'
profile long512 object=long HS512 'the same key is used with HS512 and HS256: one algorithm a key'
key shared
profile shared1 object=shared HS256
profile shared2 object=shared HS256

# An object that the token itself cannot read any more.
key broken
python3 - "$(find "$work/tokens" -name '*.object' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    value = data.index(struct.pack(">QQ", 0x11, 3)) + 24  # CKA_VALUE, encrypted, behind its length
    file.seek(value)
    file.write(bytes(byte ^ 0x55 for byte in data[value:value + 64]))
END
profile broken object=broken HS256 \
    'the key does not sign: C_SignInit: CKR_GENERAL_ERROR; no such key on token b'

# A label that is not UTF-8, as vendors' tools make them.
key $'m\xfcller' id=7
profile latin 'id=%07' HS256

# A key on two tokens: the same one, or not.
key copied fill=0x17
token=b key copied fill=0x17
profile copied object=copied HS256
key different fill=0x17
token=b key different fill=0x18
profile different object=different HS256 'the tokens hold different keys of that name'
profile different-b 'token=hints-b;object=different' HS256

agent_config
runs 1 '--check --token finds them as well' \
    hintsign-agent --config "$work/agent.json" --check --token
cp "$work/stdout" "$work/checked"
agent_launch
hintsign status --json >"$work/status"

# reason NAME: what the status says, "" for a profile that is ready.
reason() {
    python3 -c '
import json, sys
print(*[p.get("reason", "") for p in json.load(open(sys.argv[1]))["profiles"] if p["name"] == sys.argv[2]])
' "$work/status" "$1"
}

for name in "${!reasons[@]}"; do
    wanted=${reasons[$name]}
    is "$(reason "$name")" "$wanted" "$name: ${wanted:-ready}"
    is "$(grep "^$name: " "$work/checked")" "$name: ${wanted:-ready}" '... says --check'
    if [ -z "$wanted" ]; then
        runs 0 '... and mints' hintsign mint "$name" --subject bob
    else
        runs 4 '... and does not mint' hintsign mint "$name" --subject bob
        like "$(cat "$work/stderr")" '^hintsign: KeyUnavailable: ' '... as is said'
        is "$(grep -cFx "ERROR: profile $name is not ready: $wanted" "$work/agent.log")" 1 \
            '... and logged'
    fi
done
like "$(grep -a '"profile":"latin"' "$work/audit.jsonl" | head -n 1)" '"key":"m�ller"' \
    'a label that is not UTF-8 is recorded as UTF-8'
runs 0 'the audit log is JSON, all of it' python3 -c '
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    json.loads(line)' "$work/audit.jsonl"
runs 0 'it is the last record' hintsign mint latin --subject bob
agent_stop
agent_launch
ok 'and the next agent goes on with it'
agent_stop
done_testing
