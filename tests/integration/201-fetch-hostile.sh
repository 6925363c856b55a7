#!/usr/bin/env bash
# Hostile metadata and keys: hintsign-fetch says what is wrong and keeps what it had.
. "$(dirname "$0")/provider.sh"

provider_start
ec=$(jwk ec)
rsa=$(jwk rsa)
small=$(jwk rsa 1024)
good="{ $ec, \"use\": \"enc\", \"kid\": \"good\" }"
seal_profile p "$issuer"
fetch_config
file=$(key_file)

# A provider as it should be.
mend() {
    rm -f "$metadata.reply" "$jwks.reply"
    provider_metadata
    provider_keys "$good"
}

mend
runs 0 'a good provider' fetch_once
cp "$file" "$work/good"

# refused WORDS NAME: the provider as it is now; WORDS, a regular expression, say why.
refused() {
    local status=0
    fetch_once >"$work/stdout" 2>"$work/stderr" || status=$?
    if [ "$status" -eq 1 ] && cmp -s "$file" "$work/good" && [ "$(ls -A "$keys_dir")" = "${file##*/}" ] &&
        [ "$(wc -l <"$work/stderr")" -eq 1 ] &&
        [[ $(cat "$work/stderr") =~ ^ERROR:\ $issuer:\ https://.*$1 ]]; then
        ok "refused: $2"
    else
        not_ok "refused: $2" "exit status $status" "wanted: $1" "$(head -c 2000 "$work/stderr")" \
            "$(diff "$file" "$work/good" | head -n 5)"
    fi
    mend
}

# metadata_refused WORDS NAME <METADATA
metadata_refused() {
    cat >"$metadata"
    refused "openid-configuration: $1" "$2"
}

# keys_refused WORDS NAME JWK...
keys_refused() {
    local words=$1 name=$2
    shift 2
    provider_keys "$@"
    refused "/op/jwks: $words" "$name"
}

# --- metadata ---

for other in "${issuer}x" "$issuer/" "${issuer%p}P" "${origin/localhost/127.0.0.1}/op" "" '\u0000'; do
    metadata_refused '(is of another issuer|is no JSON)' "the issuer \"$other\"" \
        <<<"{ \"issuer\": \"$other\", \"jwks_uri\": \"$issuer/jwks\" }"
done
metadata_refused 'is of another issuer: "a.u001B\[31mb.u009B' 'an issuer with control characters, shown escaped' \
    <<<'{ "issuer": "a\u001b[31mb\u009b", "jwks_uri": "" }'
metadata_refused 'has no "issuer"' 'metadata without an issuer' <<<"{ \"jwks_uri\": \"$issuer/jwks\" }"
metadata_refused 'has no "issuer"' 'an issuer of a wrong type' <<<"{ \"issuer\": [ \"$issuer\" ] }"
metadata_refused 'has no "jwks_uri"' 'metadata without jwks_uri' <<<"{ \"issuer\": \"$issuer\" }"
metadata_refused 'has no "jwks_uri"' 'a jwks_uri of a wrong type' <<<"{ \"issuer\": \"$issuer\", \"jwks_uri\": 1 }"
for uri in "http://localhost:$port/op/jwks" "file://$jwks" "HTTPS://localhost:$port/op/jwks" '' /op/jwks; do
    metadata_refused '"jwks_uri" is not https: ' "jwks_uri $uri" \
        <<<"{ \"issuer\": \"$issuer\", \"jwks_uri\": \"$uri\" }"
done
metadata_refused '"jwks_uri" has a character that no URL has' 'a jwks_uri with a line break' \
    <<<"{ \"issuer\": \"$issuer\", \"jwks_uri\": \"$issuer/jwks\\nHost: x\" }"
metadata_refused '"jwks_uri" is longer than 2048 bytes' 'a long jwks_uri' \
    <<<"{ \"issuer\": \"$issuer\", \"jwks_uri\": \"$issuer/$(printf '%03000d' 0)\" }"
provider_metadata "$issuer" "https://me:secret@localhost:$port/op/jwks"
refused 'https URL without a user' 'a jwks_uri with a user'
metadata_refused 'is no JSON: line 1: ' 'truncated metadata' <<<"{ \"issuer\": \"$issuer\", \"jwks_u"
metadata_refused 'is no JSON: line 1: duplicate' 'a member twice' \
    <<<"{ \"issuer\": \"$issuer\", \"issuer\": \"$issuer\", \"jwks_uri\": \"$issuer/jwks\" }"
metadata_refused 'is no JSON object' 'an array' <<<'[]'
metadata_refused 'is no JSON' 'HTML' <<<'<!DOCTYPE html>'
metadata_refused 'is no JSON' 'nothing' </dev/null
metadata_refused 'is no JSON' 'a hundred thousand brackets' < <(printf '%0100000d' 0 | tr 0 '[')
metadata_refused 'is no JSON' 'invalid UTF-8' < <(printf '{ "issuer": "\xff" }')

# --- keys ---

keys_refused 'the set has no keys' 'an empty set'
keys_refused 'no key of the set is marked for encryption' 'signature keys alone' "{ $ec, \"use\": \"sig\" }"
keys_refused 'no key of the set is marked for encryption' 'a key that does not say what it is for' "{ $ec }"
keys_refused '.*fits' 'a key for RSA1_5 alone' "{ $rsa, \"use\": \"enc\", \"alg\": \"RSA1_5\" }"
keys_refused 'the key_ops of the encryption keys do not allow it' 'a key for other operations' \
    "{ $ec, \"use\": \"enc\", \"key_ops\": [ \"verify\" ] }"
keys_refused '.*same kid' 'a kid twice' "$good" "{ $rsa, \"use\": \"enc\", \"kid\": \"good\" }"
keys_refused '.*same kid' 'a kid twice, once on a signature key' "$good" "{ $(jwk ec), \"use\": \"sig\", \"kid\": \"good\" }"
keys_refused '.*private or secret' 'a private EC key inside' "$good" "{ $(jwk ec), \"d\": \"AAAA\", \"use\": \"enc\" }"
keys_refused '.*private or secret' 'a private RSA key inside' "$good" "{ $rsa, \"d\": \"AQAB\", \"use\": \"sig\" }"
keys_refused '.*private or secret' 'a part of one inside' "$good" "{ $rsa, \"dp\": \"AQAB\" }"
keys_refused '.*private or secret' 'a secret inside' "$good" '{ "kty": "oct", "k": "AAAA", "use": "enc" }'
keys_refused '.*keys\[0\]: ' 'an RSA key of 1024 bits' "{ $small, \"use\": \"enc\" }"
x=${ec#*\"x\": } x=${x%%,*}
keys_refused '.*keys\[0\]: ' 'a point off the curve' \
    "{ \"kty\": \"EC\", \"crv\": \"P-256\", \"use\": \"enc\", \"x\": $x, \"y\": $x }"
keys_refused '.*keys\[0\]: ' 'an X25519 key of small order' \
    "{ \"kty\": \"OKP\", \"crv\": \"X25519\", \"use\": \"enc\", \"x\": \"$(head -c 32 /dev/zero | base64url)\" }"
for wrong in '1' '[]' 'null' '{}' '{ "kty": 1 }' '{ "kty": "EC", "use": "enc" }' '{ "kty": "RSA", "n": 1, "e": 3 }' \
    "{ $ec, \"use\": 1 }" "{ $ec, \"use\": \"enc\", \"kid\": 7 }" "{ $ec, \"use\": \"enc\", \"alg\": [] }" \
    "{ $ec, \"use\": \"enc\", \"key_ops\": \"wrapKey\" }" '{ "kty": "EC", "crv": "P-257", "use": "enc" }'; do
    keys_refused '' "the key ${wrong:0:60}" "$wrong"
done
keys_refused '.*too many keys' '10,000 keys' "$good" \
    "$(for ((i = 0; i < 9999; i++)); do echo '{}'; done | paste -sd, | head -c 250000)"
for set in '{}' '{ "keys": {} }' '{ "keys": null }' '[]' "{ \"keys\": [ $good ]" "{ \"keys\": [ $good ] } x" \
    "{ \"keys\": [ $good ], \"keys\": [ $good ] }"; do
    echo "$set" >"$jwks"
    refused '/op/jwks: ' "the set ${set:0:60}"
done

# --- too much, too little ---

echo '{ "repeat": 50000 }' >"$metadata.reply"
refused 'openid-configuration: the document is longer than 256 KiB' 'metadata of 10 MB'
printf '%01000000d' 0 >"$jwks"
echo '{ "repeat": 10 }' >"$jwks.reply"
refused '/op/jwks: the document is longer than 256 KiB' 'keys of 10 MB'
echo '{ "cut": 20 }' >"$jwks.reply"
refused '/op/jwks: ' 'a connection that ends before its document'
echo "{ \"headers\": { \"Too-Much\": \"$(printf '%070000d' 0)\" } }" >"$metadata.reply"
refused 'openid-configuration: .*headers' '70 KB of headers'
for status in 201 204 304 400 404 500; do
    echo "{ \"status\": $status }" >"$jwks.reply"
    refused "/op/jwks: answered with status $status" "status $status"
done

# --- a good key among bad ones ---

provider_keys '{ "kty": "new" }' "{ $small, \"use\": \"enc\", \"kid\": \"small\" }" "$good"
runs 0 'a good key among bad ones' fetch_once
like "$(cat "$work/stderr")" "^$issuer: 1 key, unchanged; left out: keys\[0\]: .*; keys\[1\]: " 'is taken, the others are named'
is "$(json "$file" '[k["kid"] for k in d["keys"]]')" "['good']" 'and are not in the file'
done_testing
