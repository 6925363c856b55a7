#!/usr/bin/env bash
# A second real module: tpm2-pkcs11 over swtpm, a TPM in software that is switched off and on.
. "$(dirname "$0")/lib.sh"
need swtpm tpm2-abrmd dbus-daemon pkcs11-tool
module=$(find /usr/lib /usr/lib64 -name libtpm2_pkcs11.so 2>/dev/null | head -n 1)
[ -n "$module" ] || skip_all 'tpm2-pkcs11 is not installed'
need_python 'import jwt' 'PyJWT (python3-jwt)'
trap cleanup_tpm EXIT
# The module leaks: at each ECDSA signature, in libcrypto, and when it is initialised without a TPM.
printf 'leak:%s\n' libtpm2_pkcs11.so ASN1_STRING_set >"$work/suppressions"
export LSAN_OPTIONS="suppressions=$work/suppressions:print_suppressions=0"

# --- the TPM ---

export DBUS_SESSION_BUS_ADDRESS="unix:path=$work/bus"
export TPM2_PKCS11_TCTI=tabrmd:bus_type=session TPM2_PKCS11_STORE="$work/store"
bus_pid='' swtpm_pid='' broker_pid=''

cleanup_tpm() {
    tpm_off
    kill -KILL $bus_pid 2>/dev/null
    wait $bus_pid 2>/dev/null
    cleanup
}

# The resource manager (the kernel has one for a TPM in hardware) speaks D-Bus: a private one.
bus_on() {
    dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" >"$work/bus.log" 2>&1 &
    bus_pid=$!
    wait_for 20 test -S "$work/bus" || bail_out "dbus-daemon: $(cat "$work/bus.log")"
}

tpm_on() {
    local root=()
    [ "$(id -u)" -ne 0 ] || root=(--allow-root)
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --flags startup-clear,not-need-init \
        --server "type=unixio,path=$work/swtpm" --ctrl "type=unixio,path=$work/swtpm.ctrl" >"$work/swtpm.log" 2>&1 &
    swtpm_pid=$!
    wait_for 20 test -S "$work/swtpm" || bail_out "swtpm: $(cat "$work/swtpm.log")"
    tpm2-abrmd --session "${root[@]}" --tcti="swtpm:path=$work/swtpm" >"$work/broker.log" 2>&1 &
    broker_pid=$!
}

tpm_off() {
    local pid
    for pid in $broker_pid $swtpm_pid; do
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    broker_pid='' swtpm_pid=''
    rm -f "$work/swtpm" "$work/swtpm.ctrl"
}

tpm_tool() {
    pkcs11-tool --module "$module" "$@"
}

tpm_answers() {
    tpm_tool --list-token-slots | grep -q 'Slot 0'
}

random_hex 8 >"$work/pin"
mkdir "$work/tpm" "$work/store"
bus_on
tpm_on
wait_for 20 tpm_answers || bail_out "tpm2-abrmd: $(cat "$work/broker.log")"
{ tpm_tool --init-token --slot-index 0 --label hints-a --so-pin so-pin &&
    tpm_tool --init-pin --token-label hints-a --login --login-type so --so-pin so-pin \
        --pin "$(cat "$work/pin")"; } >"$work/init.log" 2>&1 || bail_out "$(cat "$work/init.log")"
tokens_json="{ \"name\": \"a\", \"uri\": \"$(token_uri)\" }"

# --- what it can do ---

# probe NAME STATUS: the module has no keys that vanish with a session. Nothing may change.
probe() {
    local before
    before=$(cat "$work"/store/* | sha256sum)
    runs "$2" "$1" hintsign-key probe --token "$(token_uri)"
    like "$(grep '^objects' "$work/stdout")" 'yes +as many as before' '... leaves the objects as they were'
    like "$(grep '^sessions' "$work/stdout")" 'yes .* 65 at once' '... and closes its sessions'
    is "$(cat "$work"/store/* | sha256sum)" "$before" '... the store is the same'
}
probe 'a probe without a key' 1
like "$(cat "$work/stderr")" 'unless all its keys stay: generate one, and probe again' '... says what to do'
like "$(grep '^generate rsa:2048' "$work/stdout")" ' no .*C_GenerateKeyPair: CKR_SESSION_READ_ONLY' '... and why'

# --- keys ---

key() {
    runs 0 "$1: the token makes a key" hintsign-key generate --token "$(token_uri)" --label "$2" --type "$1"
    like "$(hintsign-key list --token "$(token_uri)" --label "$2" 2>&1)" \
        "type=$1 sensitive=yes extractable=no origin=generated usable=yes" '... that is protected'
    profile_write "$2" <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=$2", "algorithm": "$3", "issuer": "https://hints.example",
  "audiences": [ "https://op.example" ], "accept": { "sub": "string" }, "allow": $allow_me }
END
}
key rsa:2048 rsa RS256
key ec:P-256 ec ES256
key ec:P-384 ec384 ES384
probe 'a probe with keys' 0
is "$(grep '^sign' "$work/stdout" | tr -s ' ')" \
    "$(printf 'sign %s yes right, with a key that is there\n' RS256 RS384 RS512 ES256 ES384)" \
    '... finds what they can do, and nothing else'
runs 0 'a key too many' hintsign-key generate --token "$(token_uri)" --label gone --type ec:P-256
runs 0 '... is deleted' hintsign-key delete --token "$(token_uri)" --label gone --yes
is "$(hintsign-key list --token "$(token_uri)" --label gone 2>/dev/null)" '' '... and gone'

# --- signatures ---

# verifies NAME: PyJWT accepts the token of a profile by what the agent publishes.
verifies() {
    runs 0 "$1: a token" hintsign mint "$1" --subject bob
    cp "$work/stdout" "$work/token"
    runs 0 '... verifies' "$python" -c 'import json, jwt, sys
token, jwks = open(sys.argv[1]).read().strip(), json.load(open(sys.argv[2]))
header = jwt.get_unverified_header(token)
key, = [key for key in jwks["keys"] if key["kid"] == header["kid"]]
claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=[key["alg"]], audience="https://op.example",
                    issuer="https://hints.example")
assert claims["sub"] == "bob", claims' "$work/token" "$work/jwks.json"
}

agent_config
agent_start
runs 0 'the public keys' hintsign jwks --output "$work/jwks.json"
for name in rsa ec ec384; do verifies $name; done
seq 40 | hintsign mint ec --subjects-from - >"$work/many.1" 2>&1 &
many=$!
seq 40 | hintsign mint rsa --subjects-from - >"$work/many.2" 2>&1
wait $many
is "$(sort -u "$work/many.1" "$work/many.2" | wc -l)" 80 'two callers at once have all their tokens'

# --- the TPM goes and comes back ---

tpm_off
runs 4 'the TPM is off: refused for now' hintsign mint ec --subject bob
like "$(cat "$work/stderr")" '^hintsign: TokenUnavailable: ' '... with the reason'
runs 4 '... still' hintsign mint rsa --subject bob
tpm_on
runs 0 'it is on again: ready by itself' hintsign status --ready --wait 20
for name in rsa ec; do verifies $name; done
agent_stop
done_testing
