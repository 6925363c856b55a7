#!/usr/bin/env bash
# A module that misbehaves by script: each fault, what the caller sees, and what recovery did.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util openssl

token_create
secret=$(random_hex 32)
other=$(random_hex 32)
key_import acme "$secret"
key_import other "$other"
key_generate rsa rsa:2048
profile_pingone hint acme
profile_pingone neighbour other
key_generate ec ec:P-521
profile_write curve <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=ec", "algorithm": "ES512", "verify": "always",
  "client_id": "c", "audiences": [ "https://op" ], "allow": $allow_me }
END
profile_write assertion <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:object=rsa", "algorithm": "RS256",
  "client_id": "c", "audiences": [ "https://op" ], "allow": $allow_me }
END

faulty_token
agent_config
agent_start

# verifies TOKEN [SECRET]: whether its MAC is the one of the right key.
verifies() {
    local input=${1%.*} mac
    mac=$(printf '%s' "$input" | openssl dgst -sha256 -mac HMAC -macopt "key:${2:-$secret}" -binary |
        openssl base64 -A | tr '+/' '-_' | tr -d =)
    [ "$mac" = "${1##*.}" ]
}

mints() {
    hintsign mint hint --subject bob
}

# fault NAME STATUS LOGINS INITIALIZES LINE...: with these faults, a mint ends with STATUS after
# so many logins and initialisations; afterwards, without faults, it succeeds. The known answer that
# the fault before made doubtful may fall into it: that would be a fault of its own.
fault() {
    local name=$1 status=$2 logins=$3 initializes=$4
    shift 4
    local login=$(($(calls C_Login) + logins)) initialize=$(($(calls C_Initialize) + initializes))
    script spare-login "$@"
    runs "$status" "$name: status $status" hintsign mint hint --subject bob
    if [ "$status" = 0 ]; then
        if verifies "$(cat "$work/stdout")"; then ok "$name: with the right key"; else not_ok "$name: with the right key"; fi
    fi
    if [ "$status" = 0 ] || [ "$initializes" = 0 ]; then # otherwise it is being tried again
        is "$(calls C_Login)" "$login" "$name: logins: $logins"
        is "$(calls C_Initialize)" "$initialize" "$name: initialisations: $initializes"
    fi
    script ''
    serves_again "$name: serves afterwards"
}

# serves_again NAME [COMMAND...]: within 2 s, untouched; sanitizers take their time.
limit=2000
[ "$SANITIZED" = no ] || limit=5000
serves_again() {
    local name=$1 start took
    shift
    start=$(date +%s%3N)
    wait_for 10 "${@:-mints}"
    took=$(($(date +%s%3N) - start))
    is "$((took < limit))" 1 "$name ($took ms)"
}

#     what                          status  logins  initialisations  script
fault 'session gone'                0       0       0                'C_SignInit 0xb3 1'
fault 'session gone in C_Sign'      0       0       0                'C_Sign 0xb3 1'
fault 'operation active'            0       0       0                'C_SignInit 0x90 1'
fault 'general error once'          0       0       0                'C_Sign 0x05 1'
fault 'unknown vendor error once'   0       0       0                'C_Sign 0x80001234 1'
fault 'login lost'                  0       1       0                'C_SignInit 0x101 until C_Login'
fault 'key handle invalid'          0       1       0                'C_SignInit 0x60 1'
fault 'object handle invalid'       0       1       0                'C_SignInit 0x82 1'
fault 'two sessions gone'           0       1       0                'C_SignInit 0xb3 2'
fault 'device error'                0       1       1                'C_SignInit 0x30 until C_Initialize'
fault 'device removed'              0       1       1                'C_Sign 0x32 until C_Initialize'
fault 'token not present'           0       1       1                'C_SignInit 0xe0 until C_Initialize'
fault 'not initialised'             0       1       1                'C_SignInit 0x190 until C_Initialize'
fault 'gone until finalised'        0       1       1                '* 0x30 until C_Finalize'
fault 'login fails once'            0       2       1                'C_SignInit 0x101 until C_Login' 'C_Login 0x05 1'
fault 'no session for the login'    0       1       1                'C_SignInit 0x101 until C_Login' 'C_OpenSession 0xb1 1'
fault 'objects are not told once'   0       2       1                'C_SignInit 0x101 until C_Login' 'C_FindObjectsInit 0x30 1'
fault 'objects are told in part'    0       2       1                'C_SignInit 0x101 until C_Login' 'C_FindObjects 0x30 1'
fault 'objects are hidden once'     0       1       0                'C_SignInit 0x101 until C_Login' 'C_FindObjects none 1'
fault 'objects are hidden'          4       1       0                'C_SignInit 0x101 until C_Login' 'C_FindObjects none 1000'
fault 'attributes are not told'     0       1       0                'C_SignInit 0x101 until C_Login' 'C_GetAttributeValue 0x05 2'
fault 'no slots once'               4       1       2                'C_SignInit 0x30 until C_Initialize' 'C_GetSlotList 0x05 1'
fault 'no token info once'          4       1       2                'C_SignInit 0x30 until C_Initialize' 'C_GetTokenInfo 0x30 1'
fault 'does not initialise once'    4       1       2                'C_SignInit 0x30 until C_Initialize' 'C_Initialize 0x05 1'
fault 'does not finalise once'      0       1       1                'C_SignInit 0x30 until C_Initialize' 'C_Finalize 0x05 1'
fault 'slow'                        0       0       0                'C_Sign slow 1 300'
fault 'prints what it does'         0       0       0                'chatter'
fault 'a mechanism that refuses'    4       0       0                'refuse 0x251'
fault 'a MAC that is too short'     4       0       0                'C_Sign short 1'
fault 'a MAC that is too long'      4       0       0                'C_Sign long 1'
like "$(cat "$work/stderr")" '^hintsign: TokenUnavailable: ' '... by the token, not by the agent'
errors=$(grep -c '^ERROR' "$work/agent.log")
fault 'data refused'                1       0       0                'C_Sign 0x20 1'
fault 'data too long'               1       0       0                'C_Sign 0x21 1'
like "$(cat "$work/stderr")" '^hintsign: InvalidClaim: .* too long' '... which trying again does not help'
is "$(grep -c '^ERROR' "$work/agent.log")" "$errors" '... and nothing of them in the log'

# Objects whose attributes cannot be read for a moment. Which of the six it is, the token decides.
: >"$work/agent.log"
script spare-login 'C_SignInit 0x101 until C_Login' 'C_GetAttributeValue 0x05 15'
hintsign mint hint --subject bob >"$work/minted" 2>&1
for profile in hint neighbour assertion curve; do
    accepts=
    [ $profile != hint ] && [ $profile != neighbour ] || accepts='--subject bob'
    # shellcheck disable=SC2086
    serves_again "objects that could not be read: $profile serves afterwards" hintsign mint $profile $accepts
done
runs 0 '... the log says that all can be read' agent_log_has '^token a: can read all its objects, 6 keys$'
is "$(grep -c '^ERROR: token a: cannot read 5 of its objects, tries again: C_GetAttributeValue: CKR_GENERAL_ERROR$' "$work/agent.log")" 1 \
    '... and said once how many could not'
script ''

# A call that hangs for less than a module is given up (083 and 088 have the others).
is_inside() {
    [ "$(calls C_Sign)" -gt "$before" ]
}
before=$(calls C_Sign)
script 'C_Sign hang 1'
mints >"$work/hung" 2>&1 &
client=$!
wait_for 10 is_inside
script ''
runs 0 'a call that hangs for a moment: a token' wait "$client"
if verifies "$(cat "$work/hung")"; then ok '... with the right key'; else not_ok '... with the right key'; fi

# A module that does not finalise keeps what was open in it.
sessions() {
    xargs <"$FAULTY_SCRIPT.sessions"
}
before=$(sessions)
for i in 1 2 3 4 5; do
    script 'C_SignInit 0x30 until C_Initialize' 'C_Finalize 0x05 1'
    mints >"$work/minted" 2>&1 || break
done
is "$i" 5 'it does not finalise five times: tokens'
is "$(($(sessions) <= before))" 1 "... and no more sessions than before ($before, $(sessions))"

# What may mean a single key, said of every key, by the known answer as well.
for rv in 0x05 0x06 0x80001234; do
    script "C_Sign $rv until C_Initialize"
    runs 0 "C_Sign gives $rv until it is initialised anew: a token" mints
    runs 0 '... and from its neighbour' hintsign mint neighbour --subject bob
    script ''
done

script 'C_Sign wrong 1'
runs 0 'a wrong RSA signature is not given out' hintsign mint assertion
script 'C_Sign wrong 1'
runs 0 'nor a wrong one of a curve, with verify: always' hintsign mint curve
script ''

script 'C_Sign wrong 1000'
runs 4 'nor is one when all of them are wrong' hintsign mint assertion
is "$(cat "$work/stdout")" '' 'nothing is printed'
script ''
agent_log_has 'profile assertion is not ready: .*does not verify' && ok 'the log says why' || not_ok 'the log says why'
serves_again 'it serves again when the token does' hintsign mint assertion

# A wrong MAC leaves, but not for long: the error before it has the key give its known answer. That
# takes its time here, which must not put off the next one.
hintsign status --ready --wait 3 >"$work/status.log" 2>&1
: >"$work/agent.log"
script 'C_Sign 0x05 1' 'C_Sign wrong 1000' 'C_SignInit slow 1000 100'
mints >"$work/wrong" 2>&1
if agent_log_has 'token a: key acme gave a wrong answer: what it has signed since .*Z is doubtful'; then
    ok 'after a wrong MAC the log says what is doubtful'
else
    not_ok 'after a wrong MAC the log says what is doubtful'
fi
runs 0 '... and so does the audit log' wait_for 3 grep -q '"type":"doubtful","token":"a","key":"acme","key_digest":"[0-9a-f]*","since":"2' "$work/audit.jsonl"
runs 0 'and the key is not used' wait_for 2 eval '! mints'
script ''
serves_again 'until it answers as it did' mints

# Handles mean other objects after each initialisation.
for i in 1 2 3; do
    script handles-change 'C_SignInit 0x30 until C_Initialize'
    runs 0 "handles that change, time $i" mints
    if verifies "$(cat "$work/stdout")"; then ok '... the right key'; else not_ok '... the right key'; fi
    runs 0 '... and its neighbour' hintsign mint neighbour --subject bob
    if verifies "$(cat "$work/stdout")" "$other"; then ok '... the right key'; else not_ok '... the right key'; fi
done
script 'C_SignInit 0x30 until C_Initialize'
runs 0 'handles that are as they were' mints

# Few sessions: each client waits for its turn.
many() {
    local i failed=0
    for i in {1..6}; do
        seq 50 | hintsign mint hint --subjects-from - >"$work/many.$i" 2>&1 &
        clients[i]=$!
    done
    for i in {1..6}; do wait "${clients[i]}" || failed=$((failed + 1)); done
    [ "$failed" = 0 ] && [ "$(cat "$work"/many.* | grep -c '^eyJ')" = 300 ]
}
for sessions in 'sessions 3' one-session; do
    script "$sessions" 'C_SignInit 0x30 until C_Initialize'
    runs 0 "$sessions: a token" wait_for 2 mints
    runs 0 '... and for many at once' many
    runs 0 '... and after a lost login' eval "script '$sessions' 'C_SignInit 0x101 until C_Login'; mints"
done

# What is wrong with one request costs no other its login: that session is everybody's.
script one-session 'C_SignInit 0x30 until C_Initialize'
runs 0 'a single session: a token' wait_for 2 mints
login=$(calls C_Login)
for i in 1 2 3; do
    script one-session 'C_Sign 0x21 1'
    runs 1 '... data too long' mints
    runs 0 '... and then not' mints
done
is "$(calls C_Login)" "$login" '... and no other login'
script 'C_SignInit 0x30 until C_Initialize'
runs 0 'as many sessions as before' mints

# A token that counts wrong PINs gets none from us.
login=$(calls C_Login)
script 'token-flags 0x20000' 'C_SignInit 0x101 until C_Login'
runs 4 'a token with one PIN left' mints
like "$(cat "$work/stderr")" '^hintsign: Locked: ' '... is locked'
is "$(calls C_Login)" "$login" '... and no login was tried'
script ''
agent_reload
serves_again 'it serves again once its counter is back' mints

# The token comes back with other objects under the names: refused.
login=$(calls C_Login)
script 'C_SignInit 0x101 until C_Login'
for key in acme other; do
    hintsign-key delete --token "$(token_uri)" --label "$key" --yes >"$work/delete.log" 2>&1
done
key_import acme "$other"
runs 4 'a key that was exchanged behind our back signs nothing' hintsign mint hint --subject bob
script ''
agent_log_has 'profile hint is not ready: .*exchanged' && ok 'and the log says so' || not_ok 'and the log says so'
is "$(calls C_Login)" "$((login + 1))" 'after one login'
script 'C_SignInit 0x30 until C_Initialize'
runs 4 'nor later' mints
script ''

agent_stop

# At the start.
rm "$work/profiles.d/neighbour.json"
: >"$work/agent.log"
script absent 'C_Initialize 0x05 2'
before=$(calls C_Initialize)
agent_launch
runs 4 'a token that is absent at the start' mints
runs 0 '... and tried again and again' wait_for 10 eval '[ "$(calls C_Initialize)" -ge $((before + 5)) ]'
is "$(grep -c 'token a: down' "$work/agent.log")" 1 '... is said once, whatever the reasons'
script raw-points
serves_again '... and there later' mints
runs 0 'points that are not wrapped' hintsign mint curve
agent_stop
script 'refuse 0x40'
agent_start
runs 0 'a mechanism that is listed and refuses: another is taken' hintsign mint assertion
agent_stop
script 'C_Sign wrong 1 32'
agent_start
script 'C_SignInit 0x101 until C_Login'
runs 0 'a first answer that is wrong is no measure of later ones' mints
agent_stop
done_testing
