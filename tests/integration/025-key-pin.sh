#!/usr/bin/env bash
# hintsign-key and the PIN: from a file that is for its owner alone, and a wrong one once only.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

token_create
token="pkcs11:token=hints-a?module-path=$module"
list() {
    # Without a terminal, so that nobody is asked.
    setsid --wait hintsign-key list --token "$1" </dev/null
}

runs 1 'no pin-source and no terminal' list "$token"
like "$(cat "$work/stderr")" 'no pin-source.*no terminal' '... is refused'

cp "$work/pin" "$work/open"
chmod 644 "$work/open"
runs 1 'a PIN file that others can read' list "$token&pin-source=file:$work/open"
like "$(cat "$work/stderr")" 'mode 0644.*chmod 600' '... is refused'
runs 1 'a PIN file that is not there' list "$token&pin-source=file:$work/nothing"
like "$(cat "$work/stderr")" 'No such file' '... is refused'
: >"$work/empty"
runs 1 'an empty PIN file' list "$token&pin-source=file:$work/empty"
runs 0 'the right one' list "$token&pin-source=file:$work/pin"

# SoftHSM2 counts: one wrong PIN shows, and a login with the right one would reset it.
echo wrong >"$work/wrong"
runs 1 'a wrong PIN' list "$token&pin-source=file:$work/wrong"
like "$(cat "$work/stderr")" 'CKR_PIN_INCORRECT: the PIN is wrong; it was tried once' '... is said so'
runs 1 'the same again' list "$token&pin-source=file:$work/wrong"
like "$(cat "$work/stderr")" 'CKF_USER_PIN_COUNT_LOW.*not trying.*leave pin-source out' \
    '... is not tried again, and the way out is named'
runs 1 'not even the right one is tried from a file' list "$token&pin-source=file:$work/pin"
done_testing
