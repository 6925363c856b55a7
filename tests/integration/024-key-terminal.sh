#!/usr/bin/env bash
# hintsign-key at a terminal: it asks, shows nothing of what is typed, and leaves the echo on.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
pin=$(cat "$work/pin")
token=$(token_uri)
asking="pkcs11:token=hints-a?module-path=$module"
terminal() {
    python3 "$top_srcdir/tests/integration/terminal.py" "$@"
}
secret=$(random_hex 16)

runs 0 'a secret that is typed twice' terminal 'Client secret for "typed": ' "$secret\\r" \
    'The same again: ' "$secret\\r" -- hintsign-key import --token "$token" --label typed
like "$(cat "$work/stdout")" 'typed id=.* type=hmac:256 .*origin=imported usable=yes' '... is imported'
unlike "$(cat "$work/stdout")" "$secret" '... and not shown'
like "$(cat "$work/stdout")" 'echo=on' '... and the echo is on again'

runs 1 'two that differ' terminal 'Client secret' "$secret\\r" 'again' "${secret}x\\r" \
    -- hintsign-key import --token "$token" --label other
like "$(cat "$work/stdout")" 'not the same: nothing was done' '... are refused'
runs 1 'nothing typed' terminal 'Client secret' '\r' 'again' '\r' \
    -- hintsign-key import --token "$token" --label other
like "$(cat "$work/stdout")" 'secret is empty' '... is refused'
long=$(printf 'x%.0s' {1..4200})
runs 1 'more than a line can hold' terminal 'Client secret' "$long\\r" \
    -- hintsign-key import --token "$token" --label other
like "$(cat "$work/stdout")" 'too long' '... is refused, not cut off'

runs 130 'Ctrl-C instead of a secret' terminal 'Client secret' 'half\x03' \
    -- hintsign-key import --token "$token" --label other
like "$(cat "$work/stdout")" 'echo=on' '... ends it with the echo on'

runs 0 'a check value, of a secret that is typed' terminal 'Client secret: ' "$secret\\r" \
    'The same again: ' "$secret\\r" -- hintsign-key kcv
kcv=$(grep -oE 'HS256:[0-9a-f]{6}' "$work/stdout")
unlike "$(cat "$work/stdout")" "$secret" '... which is not shown'
like "$(hintsign-key list --token "$token" --label typed)" " kcv=${kcv:-none} " '... and is on the token'

runs 0 'a PIN that is typed' terminal 'PIN of token "hints-a": ' "$pin\\r" \
    -- hintsign-key list --token "$asking"
like "$(cat "$work/stdout")" 'typed id=' '... opens the token'
unlike "$(cat "$work/stdout")" "$pin" '... and is not shown'
runs 0 'a PIN that is typed, a secret from a pipe' terminal 'PIN of' "$pin\\r" -- bash -c \
    'printf %s "$1" | hintsign-key import --token "$2" --label piped' - "$secret" "$asking"
like "$(cat "$work/stdout")" 'piped id=' '... go together'
runs 130 'Ctrl-C instead of a PIN' terminal 'PIN of' '\x03' -- hintsign-key list --token "$asking"
like "$(cat "$work/stdout")" 'echo=on' '... ends it with the echo on'
runs 1 'a wrong PIN' terminal 'PIN of' 'wrong\r' -- hintsign-key list --token "$asking"
is "$(grep -c 'PIN of' "$work/stdout")" 1 '... is asked for once'
runs 0 'the right one, after a wrong one' terminal 'PIN of' "$pin\\r" \
    -- hintsign-key list --token "$asking"

runs 1 'delete, answered with no' terminal '(yes/no)' 'no\r' \
    -- hintsign-key delete --token "$token" --label typed
like "$(cat "$work/stdout")" 'typed id=.*type=hmac:256' '... shows what would go'
like "$(cat "$work/stdout")" 'nothing was deleted' '... and does nothing'
runs 0 'delete, answered with yes' terminal '(yes/no)' 'yes\r' \
    -- hintsign-key delete --token "$token" --label typed
is "$(hintsign-key list --token "$token" | cut -d' ' -f1)" piped '... deletes it'
done_testing
