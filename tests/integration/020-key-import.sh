#!/usr/bin/env bash
# hintsign-key import: the secret goes in, signs as before, and never comes out.
. "$(dirname "$0")/lib.sh"
need softhsm2-util pkcs11-tool openssl python3

token_create
token_create b

# mac LABEL HASH [TOKEN]: the MAC that the token makes of a message, in hexadecimal.
printf 'a message' >"$work/message"
mac() {
    rm -f "$work/mac"
    # pkcs11-tool finds keys to sign with by their id alone.
    pkcs11-tool --module "$module" --token-label "hints-${3:-a}" --login --pin "$(cat "$work/pin")" \
        --sign --mechanism "SHA${2}-HMAC" --id "$(id_of "$1" "${3:-a}")" \
        --input-file "$work/message" --output-file "$work/mac" >"$work/pkcs11-tool.log" 2>&1
    od -An -tx1 <"$work/mac" | tr -d ' \n'
}

id_of() {
    hintsign-key list --token "$(token_uri "$2")" --label "$1" | sed 's/.* id=\([0-9a-f]*\) .*/\1/'
}

# openssl_mac SECRET HASH: the same, without a token.
openssl_mac() {
    openssl dgst "-sha$2" -mac HMAC -macopt "hexkey:$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')" \
        -r "$work/message" | cut -d' ' -f1
}

# kcv SECRET HASH: its check value, without hintsign-key.
kcv() {
    printf 'hintsign: known answer\n' | openssl dgst "-sha$2" -mac HMAC -macopt \
        "hexkey:$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')" -r | sed 's/\(......\).*/HS'"$2"':\1/'
}

for hash in 256 384 512; do
    secret=$(random_hex $((hash / 16)))
    runs 0 "a secret of HS$hash" hintsign-key import --token "$(token_uri)" --label "hs$hash" \
        --algorithm "HS$hash" <<<"$secret"
    kcv=$(kcv "$secret" "$hash")
    is "$(cut -d' ' -f1,3- "$work/stdout")" \
        "hs$hash type=hmac:$hash kcv=$kcv sensitive=yes extractable=no origin=imported usable=yes" \
        'import shows what is on the token'
    is "$(mac "hs$hash" "$hash")" "$(openssl_mac "$secret" "$hash")" \
        'the token signs as the secret does; one newline was dropped'
    like "$(hintsign-key list --token "$(token_uri)" --label "hs$hash" --algorithm "HS$hash")" \
        "^hs$hash id=[0-9a-f]{32} type=hmac:[0-9]+ kcv=$kcv sensitive=yes extractable=no origin=imported usable=yes$" \
        'list shows the same'
    is "$(hintsign-key kcv --algorithm "HS$hash" <<<"$secret")" "$kcv" '... and kcv, without a token'
done

hintsign-key list --token "$(token_uri)" >"$work/list"
is "$(cut -d' ' -f1 "$work/list" | tr '\n' ' ')" 'hs256 hs384 hs512 ' 'list has them all'

pkcs11-tool --module "$module" --token-label hints-a --login --pin "$(cat "$work/pin")" \
    --read-object --type secrkey --label hs256 --output-file "$work/value" >"$work/read.log" 2>&1
is "$?:$([ -s "$work/value" ] && echo read)" 1: 'no program reads the value'
like "$(cat "$work/read.log")" CKR_ATTRIBUTE_SENSITIVE 'because it is sensitive'

# Exactly one newline is dropped: two are a newline of the secret's own.
secret=$(random_hex 16)
printf '%s\n\n' "$secret" >"$work/secret"
runs 0 'a secret from a file' hintsign-key import --token "$(token_uri)" --label file \
    --secret-file "$work/secret" </dev/null
is "$(mac file 256)" "$(openssl_mac "$secret
" 256)" 'only one final newline is dropped'
runs 0 'a secret from a pipe of the shell' hintsign-key import --token "$(token_uri)" --label pipe \
    --secret-file <(printf '%s' "$secret") </dev/null
is "$(mac pipe 256)" "$(openssl_mac "$secret" 256)" 'it signs as well'

# The vendor's own example of Authway.
authway=W7k1i3EvpYSApLj6CW7pYGkYsFTGdwJ96m0uIh64
runs 0 'the secret of Authway' hintsign-key import --token "$(token_uri)" --label authway \
    --derive authway <<<"$authway"
is "$(hintsign-key kcv --derive authway <<<"$authway")" \
    "$(hintsign-key list --token "$(token_uri)" --label authway | grep -oE 'HS256:[0-9a-f]{6} ' | tr -d ' ')" \
    'its check value is that of the derived key'
is "$(mac authway 256)" "$(openssl_mac DsvTiGmtZG3sMea/dkukX13azeXvw2/xno/4+YTRVKU= 256)" \
    'the key is the base64 of the SHA-256 of the secret'
printf '%s' eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJGRUZDOUU4Qi0wNjJCLURGNDQtRkRGMC0zOUZDNTJBRTJCNTgiLCJpYXQiOjE2NzQwNTA4MTksImlzcyI6IlRlc3RUcnVzdGVkQXBwIiwiYXVkIjoiaHR0cHM6Ly90ZW5hbnQuaXJtY2lhbS5zZSJ9 \
    >"$work/message"
mac authway 256 >/dev/null
is "$(openssl base64 -A <"$work/mac" | tr '+/' '-_' | tr -d =)" \
    HJNiQOYwrB6hnTrgvlW8gTeT_J_-af-KgQyxb9rt70M 'it signs the vendor'\''s sample'

# PingOne's example secret has 18 bytes.
short=YOUR_CLIENT_SECRET
runs 0 'a short secret, on request' hintsign-key import --token "$(token_uri)" --label short \
    --allow-short <<<"$short"
is "$(hintsign-key kcv --allow-short <<<"$short")" "$(kcv "$short" 256)" 'padding changes no check value'
for hash in 256 384 512; do
    is "$(mac short "$hash")" "$(openssl_mac "$short" "$hash")" "padded, it signs HS$hash as before"
done
long=$(random_hex 40)
runs 0 'a long secret with --allow-short' hintsign-key import --token "$(token_uri)" --label long \
    --allow-short <<<"$long"
is "$(mac long 256)" "$(openssl_mac "$long" 256)" 'it is not padded'

runs 0 'one secret for two tokens' hintsign-key import --token "$(token_uri)" \
    --token "$(token_uri b)" --label both --id 00ffAB --json <<<"$long"
is "$(python3 -c '
import json, sys
for key in json.load(sys.stdin):
    print(*key.values())' <"$work/stdout")" \
    "hints-a both 00ffab secret hmac:640 $(kcv "$long" 256) True False imported True
hints-b both 00ffab secret hmac:640 $(kcv "$long" 256) True False imported True" 'JSON has a key for each token'
is "$(mac both 256 a)" "$(mac both 256 b)" 'both sign the same'
done_testing
