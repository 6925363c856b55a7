#!/usr/bin/env bash
# The agent, given a hostile key file, says what is wrong with it and seals with none of its keys.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/provider.sh"
need softhsm2-util
issuer=https://op.example
ec=$(jwk ec)
rsa=$(jwk rsa)
good="{ $ec, \"use\": \"enc\", \"kid\": \"good\" }"
file=$(key_file "$issuer")
chmod 755 "$keys_dir"

token_create
key_generate disc ec:P-256
profile_write hint <<END
{ "version": 1, "kind": "modrna", "key": "pkcs11:object=disc", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "$issuer" ], "allow": $allow_me,
  "seal": { "alg": [ "RSA-OAEP-256", "ECDH-ES+A128KW" ], "enc": "A256GCM" } }
END
agent_config "\"provider_keys_dir\": \"$keys_dir\""

check() {
    hintsign-agent --config "$work/agent.json" --check --token 2>/dev/null
}

# refused WORDS NAME: the file as it is now is of no use; WORDS, a regular expression, say why.
refused() {
    local status=0 said
    said=$(check) || status=$?
    if [ "$status" -eq 1 ] && [[ $said =~ ^hint:\ no\ encryption\ key\ of\ $issuer:\ .*$1 ]]; then
        ok "refused: $2"
    else
        not_ok "refused: $2" "exit status $status" "wanted: $1" "$said"
    fi
}

# keys_refused WORDS NAME JWK...: a set of these.
keys_refused() {
    local words=$1 name=$2 keys
    shift 2
    keys=$(printf '%s, ' "$@")
    echo "{ \"issuer\": \"$issuer\", \"keys\": [ ${keys%, } ] }" >"$file"
    refused "$words" "$name"
}

echo "{ \"issuer\": \"$issuer\", \"keys\": [ $good ] }" >"$file"
is "$(check)" 'hint: ready' 'a good file'
echo "{ \"issuer\": \"${issuer}x\", \"keys\": [ $good ] }" >"$file"
refused 'issuer' 'of an issuer that differs by one byte'
echo "{ \"issuer\": \"$issuer\", \"keys\": [ $good ]" >"$file"
refused ':[0-9]+: ' 'truncated'
echo "{ \"issuer\": \"$issuer\", \"keys\": [ $good ], \"fetched\": 1 }" >"$file"
refused 'no such member' 'a member that is not known'
{ printf '{ "issuer": "%s", "keys": [ "' "$issuer" && head -c 10000000 /dev/zero | tr '\0' x && echo '" ] }'; } >"$file"
refused 'longer than' 'of 10 MB'
keys_refused '' '10,000 keys' "$good" "$(for ((i = 0; i < 9999; i++)); do echo '{}'; done | paste -sd,)"
keys_refused 'same kid' 'a kid twice' "$good" "{ $rsa, \"use\": \"enc\", \"kid\": \"good\" }"
keys_refused 'no key of the set is marked for encryption' 'signature keys alone' "{ $ec, \"use\": \"sig\" }"
keys_refused 'no key of the set is marked for encryption' 'a key that does not say what it is for' "{ $ec }"
keys_refused 'fits' 'a key for RSA1_5 alone' "{ $rsa, \"use\": \"enc\", \"alg\": \"RSA1_5\" }"
keys_refused 'key_ops' 'a key for other operations' "{ $ec, \"use\": \"enc\", \"key_ops\": [ \"sign\" ] }"
keys_refused 'private or secret' 'a private key inside' "$good" "{ $(jwk ec), \"d\": \"AAAA\", \"use\": \"enc\" }"
keys_refused 'private or secret' 'a secret inside' "$good" '{ "kty": "oct", "k": "AAAA", "use": "enc" }'
keys_refused '' 'an RSA key of 1024 bits' "{ $(jwk rsa 1024), \"use\": \"enc\" }"
x=${ec#*\"x\": } x=${x%%,*}
keys_refused '' 'a point off the curve' \
    "{ \"kty\": \"EC\", \"crv\": \"P-256\", \"use\": \"enc\", \"x\": $x, \"y\": $x }"
for wrong in '1' '[]' 'null' '{}' '{ "kty": 1 }' '{ "kty": "EC", "use": "enc" }' "{ $ec, \"use\": 1 }" \
    "{ $ec, \"use\": \"enc\", \"kid\": 7 }"; do
    keys_refused '' "the key ${wrong:0:60}" "$wrong"
done
rm "$file"
refused 'there is no key file' 'none at all'

# An agent that runs keeps the key that it had, and says so, also after a reload.
good_file() {
    echo "{ \"issuer\": \"$issuer\", \"keys\": [ $good ] }" >"$file"
}

mints() {
    hintsign mint hint --claim MSISDN=+46701234567 >"$work/token" 2>"$work/stderr"
}

# outer_kid: of the token that was minted last.
outer_kid() {
    hintsign decode - <"$work/token" | grep -om1 '"kid": *"good"'
}

# key_error: whether GetStatus says that the file of the key in use is bad.
key_error() {
    hintsign status --json | grep -q '"error": *"[^"]*'"$1"
}

no_key_error() {
    ! key_error ''
}

good_file
agent_launch
wait_for 5 mints || bail_out "$(cat "$work/stderr")"
bad=('{ "issuer":'
    "{ \"issuer\": \"${issuer}x\", \"keys\": [ $good ] }"
    "{ \"issuer\": \"$issuer\", \"keys\": [ { $ec, \"use\": \"sig\" } ] }"
    "{ \"issuer\": \"$issuer\", \"keys\": [ $good, $good ] }")
why=("$(basename "$file"):" issuer 'marked for encryption' 'same kid')
for i in "${!bad[@]}"; do
    echo "${bad[i]}" >"$file"
    if wait_for 5 key_error "${why[i]}"; then ok "bad file $i: GetStatus says so"; else not_ok "bad file $i: GetStatus says so" "$(hintsign status --json)"; fi
    mints
    is "$(outer_kid)" '"kid": "good"' "bad file $i: the key that it had seals"
done
agent_reload
mints
is "$(outer_kid)" '"kid": "good"' 'also after a reload'
good_file
if wait_for 5 no_key_error; then ok 'a good file again'; else not_ok 'a good file again'; fi
rm "$file"
no_longer() {
    ! mints
}
if wait_for 5 no_longer; then ok 'a file that is gone takes its key with it'; else not_ok 'a file that is gone takes its key with it'; fi
like "$(cat "$work/stderr")" EncryptionKeyUnavailable 'and the error says why'
agent_stop
done_testing
