#!/usr/bin/env bash
# hintsign-key generate: keys of every type that sign, and can do nothing else.
. "$(dirname "$0")/lib.sh"
need softhsm2-util pkcs11-tool openssl

token_create
tool() {
    pkcs11-tool --module "$module" --token-label hints-a --login --pin "$(cat "$work/pin")" "$@"
}
id_of() {
    hintsign-key list --token "$(token_uri)" --label "$1" | sed 's/.* id=\([0-9a-f]*\) .*/\1/'
}

# signs LABEL MECHANISM: the token signs 32 bytes, and OpenSSL verifies with the public half.
printf 'a message of exactly thirty-two.' >"$work/message"
signs() {
    local id
    id=$(id_of "$1")
    rm -f "$work/signature"
    tool --read-object --type pubkey --id "$id" --output-file "$work/public.der" &&
        tool --sign --mechanism "$2" --id "$id" --signature-format openssl \
            --input-file "$work/message" --output-file "$work/signature" &&
        openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/public.der" \
            -in "$work/message" -sigfile "$work/signature"
}

for type in rsa:2048 rsa:3072 ec:P-256 ec:P-384 ec:P-521 ed25519 hmac:256 hmac:384 hmac:512; do
    runs 0 "a key of type $type" hintsign-key generate --token "$(token_uri)" --label "my $type" \
        --type "$type"
    like "$(cat "$work/stdout")" \
        "^my $type id=[0-9a-f]{32} type=$type (kcv=HS256:[0-9a-f]{6} )?sensitive=yes extractable=no origin=generated usable=yes$" \
        '... is shown as the token tells it'
done
is "$(hintsign-key list --token "$(token_uri)" | wc -l)" 9 'list has a line for each pair'

runs 0 'RSA signs' signs 'my rsa:2048' RSA-PKCS
runs 0 'P-256 signs' signs 'my ec:P-256' ECDSA
runs 0 'P-521 signs' signs 'my ec:P-521' ECDSA

runs 0 'a key with an id of its own' hintsign-key generate --token "$(token_uri)" --label named --type ec:P-256 \
    --id 0123456789abcdef --json
like "$(cat "$work/stdout")" '"id": "0123456789abcdef"' '... has it'
# about CLASS FIELD: what pkcs11-tool says of that half.
tool --list-objects >"$work/objects" 2>/dev/null
about() {
    grep -A 5 "^$1 Key Object" "$work/objects" | grep -A 3 'label: *named$' | sed -n "s/^ *$2: *//p"
}
is "$(about Private ID)$(about Public ID)" 0123456789abcdef0123456789abcdef '... on both halves'
is "$(about Private Usage)" sign 'the private half signs and does nothing else'
is "$(about Public Usage)" verify 'the public half verifies and does nothing else'
done_testing
