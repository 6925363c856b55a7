#!/usr/bin/env bash
# hintsign-key on tokens that refuse attributes, weaken keys, or fail half-way.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

token_create
token_create b
STRANGE_MODULE=$module
export STRANGE_MODULE
strange=$top_builddir/tests/modules/.libs/strange.so
token() {
    echo "pkcs11:token=hints-${1:-a}?module-path=$strange&pin-source=file:$work/pin"
}
# with VARIABLE=VALUE... -- ARGUMENT...: hintsign-key under these habits of the token.
with() {
    local habits=()
    while [ "$1" != -- ]; do habits+=("$1") && shift; done
    shift
    env "${habits[@]}" hintsign-key "$@"
}
line() {
    hintsign-key list --token "$(token_uri "${2:-a}")" --label "$1"
}
secret=$(random_hex 16)

runs 0 'a token that refuses CKA_DERIVE' with STRANGE_REFUSES=0x10c -- import --token "$(token)" \
    --label one <<<"$secret"
like "$(line one)" 'type=hmac:256 kcv=HS256:[0-9a-f]{6} sensitive=yes extractable=no origin=imported usable=yes' \
    '... is asked again without it'
runs 0 'a token that refuses CKA_COPYABLE, CKA_MODIFIABLE and CKA_VERIFY' \
    with STRANGE_REFUSES=0x171,0x170,0x10a -- import --token "$(token)" --label three <<<"$secret"
like "$(line three)" 'usable=yes' '... is asked again without them'
runs 0 'a token that knows no generic secrets' with STRANGE=no-generic-secret -- import \
    --token "$(token)" --label typed --algorithm HS256 <<<"$secret"
like "$(line typed)" 'type=hmac-sha256' '... gets a key of the type of its hash'
runs 0 'one that tells the length of the hash, whatever the length of the key' \
    with STRANGE=no-generic-secret,hash-length -- import --token "$(token)" --label hashed <<<"$(random_hex 20)"
like "$(line hashed)" 'type=hmac-sha256.*usable=yes' '... gets it'
runs 1 'a generic secret of another length than it had' with STRANGE=hash-length -- import \
    --token "$(token)" --label cut <<<"$(random_hex 20)"
like "$(cat "$work/stderr")" 'has another length than was asked for; it was removed again' '... is refused'
runs 0 'a token that refuses CKA_VERIFY in a public template' \
    with STRANGE_REFUSES=0x10a,0x10b -- generate --token "$(token)" --label pair --type ec:P-256
like "$(line pair)" 'usable=yes' '... makes a pair all the same'
runs 0 'one that calls CKA_VERIFY and CKA_ENCRYPT there a general error' with STRANGE=general-error \
    STRANGE_REFUSES=0x10a,0x104 -- generate --token "$(token)" --label general --type ec:P-256
like "$(line general)" 'usable=yes' '... does, too'

# Never without protection: what cannot be left out is not left out.
runs 1 'a token that refuses CKA_SENSITIVE' with STRANGE_REFUSES=0x103 -- import --token "$(token)" \
    --label bare <<<"$secret"
like "$(cat "$work/stderr")" 'C_CreateObject: CKR_ATTRIBUTE_TYPE_INVALID' '... is not given the secret'

# weak HABIT REGEX: the key is removed again, with the reason.
weak() {
    runs 1 "a token whose new key $1" with "STRANGE=$1" -- import --token "$(token)" --label weak \
        <<<"$secret"
    like "$(cat "$work/stderr")" "the new key $2.*; it was removed again" '... is told why'
    is "$(line weak)" '' '... and has it no longer'
}
weak extractable 'is CKA_EXTRACTABLE'
weak wraps 'may wrap keys'
weak public 'is not CKA_PRIVATE'
weak readable 'lets its value be read'

runs 1 'a weak key that cannot be removed' with STRANGE=extractable,destroy-fails -- import \
    --token "$(token)" --label stuck <<<"$secret"
like "$(cat "$work/stderr")" 'CKA_EXTRACTABLE; it was NOT removed again: delete it' '... is said'

# long_token [NAME]: the same, by a URI too long to be said twice.
long_token() {
    echo "pkcs11:manufacturer=SoftHSM%20project;model=SoftHSM%20v2;$(token "$1" | sed 's/^pkcs11://')"
}
runs 1 'two tokens, of which the second fails' with STRANGE=second-fails -- import \
    --token "$(token)" --token "$(token b)" --label pairwise <<<"$secret"
is "$(cat "$work/stderr")" 'hintsign-key: pkcs11:token=hints-a: the key was removed again
hintsign-key: ERROR: pkcs11:token=hints-b: C_CreateObject: CKR_DEVICE_ERROR' '... both facts are said'
is "$(line pairwise a)$(line pairwise b)" '' '... and nothing is left behind'
token_create "$(printf 'c%.0s' {1..26})"
runs 1 'three tokens with long names, when it cannot be undone' with STRANGE=third-fails,destroy-fails -- import \
    --token "$(long_token a)" --token "$(long_token b)" --token "$(long_token "$(printf 'c%.0s' {1..26})")" \
    --label pairwise --transcript "$work/ceremonies.jsonl" <<<"$secret"
for name in a b; do
    like "$(cat "$work/stderr")" "hintsign-key: $(long_token $name | sed 's/?.*//'): the key was NOT removed again: delete it: C_DestroyObject: CKR_FUNCTION_FAILED" \
        "... that is said of $name"
done
like "$(tail -n 1 "$work/stderr")" '^hintsign-key: ERROR: .*: C_CreateObject: CKR_DEVICE_ERROR$' '... and why'
like "$(tail -n 1 "$work/ceremonies.jsonl")" \
    '"outcome":"failed".*CKR_DEVICE_ERROR","left_on":\[\{"label":"hints-a",[^]]*\{"label":"hints-b",[^]]*\],"prev"' \
    '... and recorded'
like "$(hintsign-audit show --errors "$work/ceremonies.jsonl")" ' left_on=.*hints-a.*hints-b' '... and shown'
runs 1 'a key that cannot be deleted' with STRANGE=destroy-fails -- delete --token "$(token)" \
    --label one --yes
like "$(cat "$work/stderr")" 'C_DestroyObject: CKR_FUNCTION_FAILED: nothing was deleted' '... that is said'

runs 143 'SIGTERM between two tokens' with STRANGE=interrupted -- import --token "$(token)" \
    --token "$(token b)" --label whole <<<"$secret"
like "$(line whole a)" 'whole' 'waits until the key is on the first'
like "$(line whole b)" 'whole' '... and on the second'

# The module looks through the memory of the process when it is finalised.
if [ "$SANITIZED" = yes ]; then
    skip 'nothing of the secret is left in memory' 'a sanitizer keeps memory of its own'
else
    runs 0 'an import that is searched' with STRANGE_FOUND="$work/found" -- import \
        --token "$(token)" --label searched <<<"$(random_hex 16)"
    is "$(cat "$work/found")" searched 'nothing of the secret is left in memory'
fi
done_testing
