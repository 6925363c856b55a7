#!/usr/bin/env bash
# hintsign-key list and delete: what is there, whether it is fit for use, and how it goes.
. "$(dirname "$0")/lib.sh"
need softhsm2-util pkcs11-tool python3

token_create
token=$(token_uri)
tool() {
    pkcs11-tool --module "$module" --token-label hints-a --login --pin "$(cat "$work/pin")" "$@" \
        >"$work/tool.log" 2>&1
}
labels() {
    hintsign-key list --token "$token" | cut -d' ' -f1 | tr '\n' ' '
}
delete() {
    hintsign-key delete --token "$token" "$@" </dev/null
}

key_import hmac "$(random_hex 32)"
runs 0 'a pair' hintsign-key generate --token "$token" --label pair --type ec:P-256

# Keys that others made.
head -c 32 /dev/urandom >"$work/value"
tool --keygen --key-type GENERIC:32 --label weak --id 01 --private --extractable --usage-sign
tool --write-object "$work/value" --type secrkey --key-type AES:32 --label aes --id 02 --sensitive
tool --keypairgen --key-type rsa:2048 --label able --id 03 --usage-sign --usage-decrypt
tool --keypairgen --key-type rsa:1024 --label small --id 04 --usage-sign
tool --keygen --key-type GENERIC:16 --label tiny --id 06 --private --sensitive --usage-sign
tool --keygen --key-type AES:32 --label $'odd \e[31mname\xc2\x9b\x7f' --id 05 --sensitive

# usable LABEL: the last field of its line.
usable() {
    hintsign-key list --token "$token" --label "$1" | sed 's/.* usable=//'
}
is "$(usable hmac)" yes 'an imported key is usable'
is "$(usable pair)" yes 'a generated one too'
like "$(usable weak)" '^no: is not CKA_SENSITIVE$' 'one that can be read is not'
like "$(usable aes)" '^no: is not of a type' 'one of another type is not'
like "$(usable able)" '^no: may decrypt' 'one that decrypts is not'
like "$(usable small)" '^no: is shorter than 2048 bits' 'a small one is not'
like "$(hintsign-key list --token "$token")" '(^|
)odd \\x1b\[31mname\\xc2\\x9b\\x7f id=05 ' 'names do not play with the terminal'
is "$(hintsign-key list --token "$token" --label nobody)" '' 'no key of that name: nothing'

# kcv LABEL
kcv() {
    hintsign-key list --token "$token" --label "$1" | grep -oE ' kcv=[^ ]*'
}
like "$(kcv hmac)" '^ kcv=HS256:[0-9a-f]{6}$' 'a secret key has a check value of 3 bytes'
is "$(kcv able)" '' 'a private key has none'
is "$(kcv aes):$(kcv tiny)" ' kcv=-: kcv=-' 'what does not sign has none'

runs 0 'JSON' hintsign-key list --token "$token" --json
is "$(python3 -c '
import json, sys
for key in json.load(sys.stdin):
    if key["label"] in ("able", "hmac"):
        print(*(f"{name}={value}" for name, value in key.items() if name not in ("id", "kcv")))' \
    <"$work/stdout")" \
    'token=hints-a label=able class=private type=rsa:2048 sensitive=True extractable=False origin=generated usable=False reason=may decrypt (CKA_DECRYPT), not only sign and verify
token=hints-a label=hmac class=secret type=hmac:512 sensitive=True extractable=False origin=imported usable=True' \
    '... has the same'
like "$(cat "$work/stdout")" '"label": "odd \\u001B\[31mname\\u009B\\u007F",' '... nor do names in JSON'
is "$(python3 -c '
import json, sys
print(sum(key["label"] == "odd \x1b[31mname\x9b\x7f" for key in json.load(sys.stdin)))' <"$work/stdout")" 1 \
    '... which are what they are'
runs 0 'no keys in JSON' hintsign-key list --token "$token" --label nobody --json
is "$(cat "$work/stdout")" '[]' '... is an empty array'

# An object that cannot be read.
echo 'C_GetAttributeValue 0x05 3' >"$work/script"
FAULTY_MODULE=$module FAULTY_SCRIPT=$work/script runs 0 'a token that does not show all: the others are listed' \
    hintsign-key list --token "${token/"$module"/"$top_builddir/tests/fault/.libs/faulty.so"}"
like "$(cat "$work/stderr")" 'WARNING: pkcs11:token=hints-a: cannot read 1 of its objects: C_GetAttributeValue: CKR_GENERAL_ERROR' \
    '... and says that one is missing'

before=$(labels)
runs 1 'without a terminal delete does nothing' delete --label hmac
like "$(cat "$work/stderr")" 'no terminal.*--yes' '... unless told to'
runs 1 'a label that nobody has' delete --label nobody --yes
like "$(cat "$work/stderr")" 'no key has this label' '... is refused'
runs 1 'an id that it does not have' delete --label hmac --id ffff --yes
like "$(cat "$work/stderr")" 'no key has this label and id' '... is refused'
is "$(labels)" "$before" 'they are all still there'

runs 0 'a secret key' delete --label hmac --yes
is "$(usable hmac)" '' '... is gone'
runs 0 'a pair' delete --label pair --yes
tool --list-objects
unlike "$(cat "$work/tool.log")" 'label: +(pair|hmac)' '... is gone with both halves'

# Two keys with one label.
tool --keygen --key-type GENERIC:32 --label twin --id 0a --sensitive --usage-sign
tool --keygen --key-type GENERIC:32 --label twin --id 0b --sensitive --usage-sign
tool --keygen --key-type GENERIC:32 --label twin --id 0b --sensitive --usage-sign
runs 1 'an ambiguous label' delete --label twin --yes
like "$(cat "$work/stderr")" '3 keys have this label: choose one with --id' '... wants the id'
runs 0 'with the id' delete --label twin --id 0a --yes
is "$(hintsign-key list --token "$token" --label twin | cut -d' ' -f2 | tr '\n' ' ')" 'id=0b id=0b ' \
    '... that one goes'
runs 1 'an ambiguous id' delete --label twin --id 0b --yes
like "$(cat "$work/stderr")" '2 keys have this label and id' '... is refused'

# Halves alone.
tool --delete-object --type privkey --label able
like "$(usable able)" '^no: is a public key without its private half' 'a public half alone is shown'
runs 0 'a public half alone' delete --label able --yes
is "$(usable able)" '' '... can be deleted'
tool --delete-object --type pubkey --label small
runs 0 'a private half alone' delete --label small --yes
is "$(usable small)" '' '... can be deleted'
done_testing
