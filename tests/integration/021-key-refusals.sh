#!/usr/bin/env bash
# hintsign-key: what it refuses, with which words, and that nothing is left behind.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

token_create
token_create b
token=$(token_uri)
good=$(random_hex 32)
key_import taken "$good"

# refused STATUS NAME REGEX ARGUMENT...: with the standard input that it is given.
refused() {
    local status=$1 name=$2 sentence=$3
    shift 3
    runs "$status" "$name" hintsign-key "$@"
    like "$(cat "$work/stderr")" "^hintsign-key: ERROR: .*$sentence" "... and says why"
    is "$(wc -l <"$work/stderr")$(cat "$work/stdout")" 1 '... in one line'
}

import=(import --token "$token" --label new)

refused 1 'an empty secret' 'is empty' "${import[@]}" </dev/null
refused 1 'a newline alone' 'is empty' "${import[@]}" <<<''
refused 1 'a NUL byte' 'NUL byte' "${import[@]}" < <(printf '%s\0%s' "$good" "$good")
refused 1 'a short secret' '31 bytes.*RFC 7518 section 3\.2.*at least 32 for HS256.*--allow-short' \
    "${import[@]}" <<<"${good:0:31}"
refused 1 'a secret too short for HS384' '32 bytes.*48 for HS384' "${import[@]}" --algorithm HS384 \
    <<<"${good:0:32}"
refused 1 'a secret too short for HS512' '63 bytes.*64 for HS512' "${import[@]}" --algorithm HS512 \
    <<<"${good:0:63}"
refused 1 'a secret too short for --allow-short' '13 bytes.*14' "${import[@]}" --allow-short \
    <<<"${good:0:13}"
refused 1 'a short secret to derive from' '31 bytes' "${import[@]}" --derive authway <<<"${good:0:31}"
refused 1 'a secret without an end' 'too long' "${import[@]}" < <(head -c 5000 /dev/zero | tr '\0' x)

echo "$good" >"$work/secret"
chmod 640 "$work/secret"
refused 1 'a file that the group can read' 'mode 0640.*chmod 600' "${import[@]}" \
    --secret-file "$work/secret"
chmod 602 "$work/secret"
refused 1 'a file that others can write' 'mode 0602' "${import[@]}" --secret-file "$work/secret"
refused 1 'a file that is not there' 'No such file' "${import[@]}" --secret-file "$work/nothing"
refused 1 'a folder' 'neither a file nor a pipe' "${import[@]}" --secret-file "$work"
refused 1 'a device' 'neither a file nor a pipe' "${import[@]}" --secret-file /dev/zero

refused 1 'a label that is taken' 'this label already' import --token "$token" --label taken <<<"$good"
taken_id=$(hintsign-key list --token "$token" --label taken | sed 's/.* id=\([0-9a-f]*\) .*/\1/')
refused 1 'an id that is taken' 'this id already' "${import[@]}" --id "$taken_id" <<<"$good"
refused 1 'a label that is taken on the second token' 'hints-a: .*this label already' import \
    --token "$(token_uri b)" --token "$token" --label taken <<<"$good"
is "$(hintsign-key list --token "$(token_uri b)")" '' '... and nothing is on the first'
refused 1 'the same token twice' 'named twice' "${import[@]}" --token "${token/hints-a/hints%2Da}" \
    <<<"$good"
refused 1 'a generated key whose label is taken' 'this label already' generate --token "$token" \
    --label taken --type rsa:2048

refused 1 'a URI without a module' 'module-path=.*module-name=' list --token pkcs11:token=hints-a
refused 1 'a URI with a PIN' 'pin-value is refused' list --token "$token&pin-value=1234"
refused 1 'not a URI' 'not a PKCS#11 URI' list --token hints-a
refused 1 'a token that is not there' 'no token of .* matches' list --token "${token/hints-a/nobody}"
refused 1 'a URI of several tokens' 'name one exactly' list --token "${token/token=hints-a/}"
refused 1 'a module that is not there' 'cannot load' list \
    --token 'pkcs11:token=hints-a?module-path=/nowhere.so'
refused 1 'a module that is not registered' 'registered with p11-kit' list \
    --token 'pkcs11:token=hints-a?module-name=nobody'

refused 2 'no command' 'which command'
refused 2 'an unknown command' 'no such command' improt
refused 2 'an unknown option' 'argument 3 is not an option of' list --token "$token" --lable x
refused 2 'an option of another command' 'argument 3 is not an option of' list --token "$token" --yes
refused 2 'an abbreviated option' 'argument 5 is not an option of' "${import[@]}" --secret x
refused 2 'a secret as an argument' 'argument 5 is not an option of' "${import[@]}" "$good"
unlike "$(cat "$work/stderr")" "$good" '... and does not repeat it'
refused 2 'an option without its value' '--label lacks its value' list --token "$token" --label
refused 2 'an option with a value that it does not take' '--json takes no value' list \
    --token "$token" --json=yes
refused 2 'a missing label' '--label LABEL is missing' import --token "$token"
refused 2 'a missing token' '--token URI is missing' list
refused 2 'a missing type' '--type TYPE is missing' generate --token "$token" --label new
refused 2 'a label twice' '--label is given twice' "${import[@]}" --label other
refused 2 'two tokens to generate on' '--token is given twice' generate --token "$token" \
    --token "$(token_uri b)" --label new --type ed25519
refused 2 'an empty label' '1 to 255 bytes' list --token "$token" --label ''
refused 2 'a label with an escape character' 'control character' list --token "$token" --label $'a\eb'
refused 2 'a label with U+009B, which is one as well' 'control character' "${import[@]:0:3}" \
    --label $'a\xc2\x9b31m' <<<"$good"
refused 2 'an id that is not hexadecimal' 'hexadecimal' "${import[@]}" --id 0g
refused 2 'an id with half a byte' 'hexadecimal' "${import[@]}" --id 012
refused 2 'an algorithm that is not for secrets' 'HS256, HS384 or HS512' "${import[@]}" \
    --algorithm RS256
refused 2 'an unknown derivation' 'authway' "${import[@]}" --derive pingone
refused 2 'a derivation for another algorithm' 'for HS256, not for HS384' "${import[@]}" \
    --derive authway --algorithm HS384
refused 2 'an unknown type' 'rsa:2048' generate --token "$token" --label new --type rsa:1024

is "$(hintsign-key list --token "$token" | cut -d' ' -f1)" taken 'none of this left anything behind'

runs 1 'a result that cannot be written' bash -c 'hintsign-key list --token "$1" >/dev/full' - "$token"
like "$(cat "$work/stderr")" 'cannot write' '... is an error'
runs 0 '--help' hintsign-key --help
runs 0 '--version' hintsign-key --version
like "$(cat "$work/stdout")" '^hintsign-key [0-9]' '... names the version'
for command in import generate list delete; do
    runs 0 "$command --help" hintsign-key "$command" --help
    like "$(cat "$work/stdout")" "^Usage: hintsign-key $command --token URI.*--label" '... has the options'
done

# The manual has every option, and no other.
for command in import generate export-kek wrap list delete probe; do
    hintsign-key "$command" --help
done | grep -oE '^  --[a-z-]+' | tr -d ' ' | sort -u >"$work/options"
sed -n 's/.*Fl \\-\([a-z-]*\).*/--\1/p' "$top_srcdir/doc/hintsign-key.1" |
    grep -vx -e --version | sort -u >"$work/manual"
is "$(cat "$work/manual")" "$(cat "$work/options")" 'the manual has the options of the program'
done_testing
