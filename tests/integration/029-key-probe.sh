#!/usr/bin/env bash
# hintsign-key probe: says what a token can do and no more, and leaves it as it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util python3

# What SoftHSM2 leaks is left out (tests/lsan.supp), which takes whole stacks.
export ASAN_OPTIONS="$ASAN_OPTIONS:fast_unwind_on_malloc=0"
token_create
random_hex 32 | hintsign-key import --token "$(token_uri)" --label acme >"$work/import.log" ||
    bail_out 'no key'
probe() {
    hintsign-key probe --token "$(token_uri)" "$@"
}
# The login rewrites token.object.
kept() {
    find "$work/tokens" -name '*-*.object' -exec sha256sum {} + | sort
}
# row NAME: the row of the table.
row() {
    grep -E "^$1 {2,}" "$work/stdout" | tr -s ' '
}

before=$(kept)
runs 0 'a token that the agent can work with' probe
is "$(kept)" "$before" '... its objects are as they were'
for algorithm in HS256 HS384 HS512 RS256 PS512 EdDSA; do
    like "$(row "sign $algorithm")" "^sign $algorithm yes [0-9]+ us right$" "... $algorithm is right, and measured"
done
like "$(row 'sign ES256')" 'yes [0-9]+ us right, of hashes that we make' '... SoftHSM2 signs hashes with ECDSA'
like "$(row 'create key for HS256')" 'yes .* a generic secret' '... it takes secrets in plain'
is "$(row 'attributes of key for HS256')" 'attributes of key for HS256 yes all are told' '... it tells the attributes of keys'
like "$(grep -c '^unwrap OAEP SHA-.*yes' "$work/stdout")" '^[24]$' '... and wrapped ones'
like "$(row sessions)" '65 at once, or more; the token says: any number' '... sessions'
is "$(row objects)" 'objects yes as many as before' '... objects'
like "$(cat "$work/stdout")" 'manufacturer +SoftHSM project' '... and which token it is'

runs 0 'JSON' probe --json
cp "$work/stdout" "$work/before.json"
runs 0 '... can be read' python3 -c '
import json, sys
file = json.load(open(sys.argv[1]))
assert file["version"] == 1 and file["agent_can_work"] is True and file["token"]["label"] == "hints-a"
results = {result["name"]: result for result in file["results"]}
assert results["sign RS256"]["works"] is True and results["sign RS256"]["microseconds"] > 0
assert len(results) == len(file["results"]) > 25' "$work/before.json"
runs 0 'compared with itself' probe --compare "$work/before.json"
unlike "$(cat "$work/stdout")" 'changed:' '... nothing has changed'
runs 1 'a file that is none' probe --compare "$work/pin"
like "$(cat "$work/stderr")" 'no result of hintsign-key probe --json' '... says so'
runs 1 'a token that is not there' hintsign-key probe --token "$(token_uri b)"

# --- a token that lies ---

if [ "$SANITIZED" = yes ]; then
    skip 'a token that lies' 'a faulty module that is loaded late confuses the sanitizers'
    done_testing
    exit
fi
faulty_token
faulty=$(module=$faulty_module token_uri)
# lies STATUS LINE [ARGUMENT...]: a probe under this script.
lies() {
    local status=$1
    script "$2"
    rm -f "$FAULTY_SCRIPT.calls"
    runs "$status" "a module with: $2" hintsign-key probe --token "$faulty" "${@:3}"
}

lies 0 '# nothing' --compare "$work/before.json"
unlike "$(cat "$work/stdout")" 'changed:' '... says what SoftHSM2 itself says'
is "$(calls C_OpenSession)" "$(($(calls C_CloseSession) + 1))" '... and every session but the last was closed'
is "$(calls C_CloseAllSessions)" 1 '... with that one'
lies 1 'C_Sign wrong 1' --compare "$work/before.json"
is "$(row 'sign HS256')" 'sign HS256 no gave a wrong signature' '... a MAC that is wrong'
like "$(cat "$work/stdout")" 'changed: sign HS256: no \(gave a wrong signature\), before: yes \(right\)' '... is a change'
like "$(cat "$work/stderr")" '1 of what worked before does not work now' '... for the worse'
lies 0 'C_Sign wrong 1'
lies 1 'C_Sign wrong 100000'
like "$(cat "$work/stderr")" 'no algorithm works' '... nothing but wrong signatures'
is "$(grep -c '^sign .* yes ' "$work/stdout")" 0 '... all of them noticed'
lies 0 'C_Sign short 1'
like "$(row 'sign HS256')" 'no C_Sign gave 31 bytes' '... a MAC that is too short'
lies 1 'refuse 0x251' --compare "$work/before.json"
like "$(row 'sign HS256')" 'no C_SignInit: CKR_MECHANISM_INVALID' '... a mechanism that is listed and refused'
lies 0 'refuse 0x40' --compare "$work/before.json"
like "$(row 'sign RS256')" 'right, of hashes that we make' '... one that can be done without'
like "$(cat "$work/stdout")" 'changed: sign RS256: yes \(right, of hashes that we make\), before: yes \(right\)' '... is a change, no loss'
lies 0 'sessions 3'
like "$(row sessions)" '3 at once; the token says: any number' '... sessions that are told and not there'
lies 0 'raw-points'
like "$(row 'sign ES256')" 'yes' '... points in another form'
lies 1 '* 0x30 until C_Finalize'
like "$(cat "$work/stderr")" 'CKR_DEVICE_ERROR' '... a token that has gone'

# --- a token that weakens keys ---

export STRANGE_MODULE=$module
strange=$(module=$top_builddir/tests/modules/.libs/strange.so token_uri)
runs 0 'a token whose new keys are extractable' env STRANGE=extractable hintsign-key probe --token "$strange"
like "$(row 'create key for HS256')" 'no the new key is CKA_EXTRACTABLE; it was removed again' '... is told'
runs 0 'one that knows no generic secrets' env STRANGE=no-generic-secret hintsign-key probe --token "$strange"
like "$(row 'create key for HS256')" 'yes .* a key of the type of its hash' '... gets other keys'
runs 0 'one that cannot destroy' env STRANGE=destroy-fails hintsign-key probe --token "$strange"
like "$(row destroy)" 'no C_DestroyObject: CKR_FUNCTION_FAILED' '... is told'
is "$(row objects)" 'objects yes as many as before' '... and the keys vanish with their session'
runs 0 'one without sessions for reading alone' env STRANGE=read-write-only hintsign-key probe --token "$strange"
like "$(row sessions)" '65 at once' '... gets others'
is "$(kept)" "$before" 'after all this the objects are as they were'
done_testing
