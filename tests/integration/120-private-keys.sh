#!/usr/bin/env bash
# Private keys of every type, under every algorithm: PyJWT and jwcrypto verify what they signed
# against what `hintsign jwks` publishes.
. "$(dirname "$0")/lib.sh"
need softhsm2-util
need_python 'import jwt, jwcrypto' 'PyJWT and jwcrypto (python3-jwt, python3-jwcrypto)'

# assertion NAME KEY ALGORITHM [MEMBERS]: a profile
assertion() {
    profile_write "$1" <<END
{ "version": 1, "kind": "client_assertion", "key": "pkcs11:$2", "algorithm": "$3", ${4:-}
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": $allow_me }
END
}

# reason PROFILE: why it is not ready
reason() {
    hintsign status --json | "$python" -c '
import json, sys
for profile in json.load(sys.stdin)["profiles"]:
    if profile["name"] == sys.argv[1]:
        print(profile.get("reason", "ready"))' "$1"
}

token_create
pairs=(
    rsa:2048/RS256 rsa:2048/RS384 rsa:2048/RS512 rsa:2048/PS256 rsa:2048/PS384 rsa:2048/PS512
    rsa:3072/PS256 rsa:4096/RS512 ec:P-256/ES256 ec:P-384/ES384 ec:P-521/ES512)
if [ "$SANITIZED" = no ]; then
    pairs+=(ed25519/EdDSA)
else
    skip EdDSA 'SoftHSM2 leaks memory whenever an Ed25519 key is to sign'
fi
for pair in "${pairs[@]}"; do
    type=${pair%/*} algorithm=${pair#*/}
    name=$(tr -d : <<<"${type,,}").${algorithm,,}
    key_generate "$name" "$type"
    assertion "$name" "object=$name" "$algorithm"
    printf '%s %s\n' "$name" "$pair" >>"$work/pairs"
done
agent_config
agent_start

# --- every pair ---

runs 0 'the public keys' hintsign jwks --output "$work/jwks.json"
while read -r name pair; do
    token=$(hintsign mint "$name") || bail_out "no token of $name"
    echo "${pair#*/} ${pair%/*} $token"
done <"$work/pairs" >"$work/minted"
is "$(wc -l <"$work/minted")" "${#pairs[@]}" 'every key signs under its algorithm'
runs 0 'every token is looked at' "$python" "$top_srcdir/tests/interop/private_keys.py" \
    "$work/jwks.json" CLIENT https://op.example <"$work/minted"
include_tap <"$work/stdout"

# kids [PROFILE]: of the keys that are published, in their order
kids() {
    hintsign jwks "$@" | grep -o '"kid":"[^"]*"' | cut -d '"' -f 4
}
is "$(kids ec:p-256.es256 2>/dev/null)" '' 'a profile of no such name has no keys'
is "$(kids ecp-256.es256 | wc -l)" 1 'a profile has its own key alone'

# --- numbers that begin with zeros: every other coordinate and signature on P-521 ---

met=no
for n in {1..20}; do
    key_generate "p521.$n" ec:P-521
    profile_write "p521.$n" <<END
{ "version": 1, "kind": "ciba", "key": "pkcs11:object=p521.$n", "algorithm": "ES512",
  "issuer": "CLIENT", "audiences": [ "https://op.example" ], "accept": { "sub": "string" },
  "allow": $allow_me }
END
    agent_reload
    seq 64 | hintsign mint "p521.$n" --subjects-from - >>"$work/p521"
    hintsign jwks --output "$work/jwks.json"
    if "$python" "$top_srcdir/tests/interop/leading_zeros.py" "$work/jwks.json" \
        <"$work/p521" >"$work/tap"; then met=yes && break; fi
done
include_tap <"$work/tap"
is "$met" yes 'zeros were met everywhere'
is "$(wc -l <"$work/p521")" $((n * 64)) 'each subject had its token'
for n in $(seq "$n"); do rm "$work/profiles.d/p521.$n.json"; done

# --- what is published ---

key_generate next ec:P-256
key_generate old rsa:2048
assertion rotating object=ecp-256.es256 ES256 \
    '"publish": [ "pkcs11:object=next", { "key": "pkcs11:object=old", "algorithm": "RS256" } ],'
agent_reload
runs 0 'a profile may publish further keys' hintsign jwks rotating --output "$work/rotating.json"
is "$(kids rotating | wc -l)" 3 '... which are in its set'
is "$(kids rotating | head -n 1)" "$(kids ecp-256.es256)" '... after its own'
is "$(grep -o '"alg":"[^"]*"' "$work/rotating.json" | cut -d '"' -f 4 | xargs)" 'ES256 ES256 RS256' \
    '... each with its algorithm'
is "$(kids | wc -l)" $((${#pairs[@]} + 2)) 'in the set of all profiles each key stands once'
is "$(kids | sort -u | wc -l)" $((${#pairs[@]} + 2)) '... under a kid of its own'
unlike "$(hintsign jwks)" '"(d|p|q|dp|dq|qi|k)":' 'no private member anywhere'

# --- one key, one algorithm ---

assertion rotating object=ecp-256.es256 ES256
assertion second object=rsa2048.rs256 PS256
agent_reload
runs 4 'a key under a second algorithm: refused' hintsign mint second
runs 4 '... also for the first' hintsign mint rsa2048.rs256
like "$(profile_state second)$(profile_state rsa2048.rs256)" 'one algorithm a key.*one algorithm a key' '... with the reason'
runs 0 '... while the others serve' hintsign mint rsa2048.rs384

assertion second object=rsa2048.rs384 RS384 \
    '"publish": [ { "key": "pkcs11:object=rsa2048.rs384", "algorithm": "PS384" } ],'
agent_reload
runs 4 'a key published under a second algorithm: refused' hintsign mint second
runs 4 '... also for the profile that has it alone' hintsign mint rsa2048.rs384
runs 0 'a key that is free again serves again' hintsign mint rsa2048.rs256

# twins: one key twice on the token, brought there by others. hintsign-key makes none that can be copied.
twins() {
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER -out "$work/privkey" &&
        openssl pkey -in "$work/privkey" -inform DER -pubout -outform DER -out "$work/pubkey" || return
    local type twin
    for type in privkey pubkey; do
        pkcs11-tool --module "$module" --token-label hints-a --login --pin "$(cat "$work/pin")" \
            --write-object "$work/$type" --type "$type" --label twin --id a1 --sensitive || return
    done
    for twin in twin1 twin2; do
        "$top_builddir/tests/integration/new_keys" "$module" hints-a "$work/pin" $twin copy twin || return
    done
}
if ! command -v openssl >/dev/null || ! command -v pkcs11-tool >/dev/null; then
    skip 'one key twice' 'openssl or pkcs11-tool is not installed'
else
    twins >"$work/twins.log" 2>&1 || bail_out "no twins: $(cat "$work/twins.log")"
    assertion twin1 object=twin1 RS256
    assertion twin2 object=twin2 PS256
    agent_reload
    runs 4 'one key twice, under two algorithms: refused' hintsign mint twin1
    runs 4 '... both' hintsign mint twin2
    like "$(profile_state twin1)$(profile_state twin2)" 'one algorithm a key.*one algorithm a key' '... with the reason'
    assertion twin2 object=twin2 RS256
    agent_reload
    runs 0 'under one algorithm both serve' hintsign mint twin1
    runs 0 '... both' hintsign mint twin2
fi

assertion second object=ecp-256.es256 ES384
agent_reload
runs 4 'a curve that is not the algorithm'"'"'s: refused' hintsign mint second
runs 0 '... and that key serves its own profile' hintsign mint ecp-256.es256
agent_stop
done_testing
