# Shell library of the tests with real OpenID Providers (tests/interop/op/provider.mjs):
#
#   . "$(dirname "$0")/op.sh"                # provider.sh as well
#   op_start                                 # $origin/rsa, $origin/p256 and $origin/x25519
#   op_profiles                              # of their clients, and of a discovery service
#   op_agent_start                           # ready, with the providers' keys fetched
#   op_run accepts.mjs                       # a program of tests/interop/op, which prints TAP
#
# The clients: shop and bank have secrets, which only hintsign-key and the providers read; portal,
# wallet and kiosk have private keys that were generated on the token.
# shellcheck shell=bash disable=SC2034,SC2154
. "$(dirname "${BASH_SOURCE[0]}")/provider.sh"
need softhsm2-util node
[ -e "$top_srcdir/tests/interop/node_modules/oidc-provider" ] ||
    skip_all 'npm oidc-provider is not there (./check installs it)'
node -e 'process.exit(require("node:crypto").hash ? 0 : 1)' ||
    skip_all "Node.js $(node --version) is too old for oidc-provider"

op=$top_srcdir/tests/interop/op
export NODE_EXTRA_CA_CERTS=$work/ca.pem NODE_NO_WARNINGS=1

# The clients that have secrets, and with which algorithm they use them; the others.
declare -A secret_clients=([shop]=HS256 [bank]=HS512)
declare -A key_clients=([portal]=ES256 [wallet]=PS256 [kiosk]=EdDSA)
# SoftHSM2 leaks memory whenever an Ed25519 key is to sign.
[ "$SANITIZED" = no ] || key_clients[kiosk]=ES384
declare -A key_types=([ES256]=ec:P-256 [ES384]=ec:P-384 [PS256]=rsa:2048 [EdDSA]=ed25519)
discovery=https://discovery.example

op_keys() {
    local client
    mkdir "$work/secrets"
    for client in "${!secret_clients[@]}"; do
        random_hex 64 >"$work/secrets/$client"
        op_import "$client" --algorithm "${secret_clients[$client]}"
        op_import "$client.derived" --derive authway
    done
    for client in "${!key_clients[@]}"; do
        op_generate "$client" "${key_types[${key_clients[$client]}]}"
    done
    op_generate discovery ec:P-256
}

# op_import LABEL OPTION...: the secret of the client that the label begins with
op_import() {
    hintsign-key import --token "$(token_uri)" --label "$1" --secret-file "$work/secrets/${1%%.*}" \
        "${@:2}" >"$work/import.log" 2>&1 || bail_out "hintsign-key: $(cat "$work/import.log")"
}

op_generate() {
    hintsign-key generate --token "$(token_uri)" --label "$1" --type "$2" >"$work/import.log" 2>&1 ||
        bail_out "hintsign-key: $(cat "$work/import.log")"
}

op_clients() {
    local client list=
    for client in "${!secret_clients[@]}"; do
        list+=", { \"id\": \"$client\", \"alg\": \"${secret_clients[$client]}\","
        list+=" \"secret_file\": \"$work/secrets/$client\" }"
    done
    for client in "${!key_clients[@]}"; do
        list+=", { \"id\": \"$client\", \"alg\": \"${key_clients[$client]}\","
        list+=" \"jwks_file\": \"$work/$client.jwks\" }"
    done
    echo "${list#, }"
}

# Keys on the token, and the web server; the providers begin with the first request.
op_start() {
    token_create
    op_keys
    ca_create ca
    certificate_create server ca 'DNS:localhost,IP:127.0.0.1'
    cat >"$work/op.json" <<END
{ "certificate": "$work/server.pem", "key": "$work/server.key",
  "providers": { "rsa": "RSA", "p256": "P-256", "x25519": "X25519" },
  "users": [
    { "sub": "bob", "email": "bob@example.com", "phone": "+4915112345678" },
    { "sub": "zoë", "email": "zoe@example.com", "phone": "+4915187654321" } ],
  "clients": [ $(op_clients) ],
  "discovery": { "issuer": "$discovery", "jwks_file": "$work/discovery.jwks" } }
END
    node "$op/provider.mjs" "$work/op.json" </dev/null >"$work/op.out" 2>"$work/op.log" &
    started+=("$!")
    wait_for 30 grep -q '^{"origin"' "$work/op.out" || bail_out "no provider: $(cat "$work/op.log")"
    origin=$(sed -n 's/^{"origin":"\(.*\)"}$/\1/p' "$work/op.out")
    audiences="\"$origin/rsa\", \"$origin/p256\", \"$origin/x25519\""
}

# op_profile NAME KIND KEY ALGORITHM MEMBERS: one that all providers are audiences of
op_profile() {
    profile_write "$1" <<END
{ "version": 1, "kind": "$2", "key": "pkcs11:object=$3", "algorithm": "$4", $5,
  "audiences": [ $audiences ], "allow": $allow_me }
END
}

op_profiles() {
    local client alg seal='"seal": { "alg": [ "RSA-OAEP-256", "ECDH-ES+A128KW" ], "enc": "A256GCM" }'
    for client in "${!secret_clients[@]}"; do
        alg=${secret_clients[$client]}
        op_profile "$client.login" client_assertion "$client" "$alg" "\"client_id\": \"$client\""
        op_profile "$client.pingone" pingone "$client" "$alg" "\"client_id\": \"$client\""
        op_profile "$client.authway" authway "$client.derived" HS256 \
            "\"client_id\": \"$client\", \"accept\": { \"email\": \"email\" }"
        op_profile "$client.ciba" ciba "$client" "$alg" \
            "\"issuer\": \"$client\", \"accept\": { \"sub\": \"string\" }"
    done
    for client in "${!key_clients[@]}"; do
        alg=${key_clients[$client]}
        op_profile "$client.login" client_assertion "$client" "$alg" "\"client_id\": \"$client\""
        op_profile "$client.ciba" ciba "$client" "$alg" \
            "\"issuer\": \"$client\", \"accept\": { \"sub\": \"string\", \"sub_id\": \"sub_id\" }"
        op_profile "$client.sealed" ciba "$client" "$alg" \
            "\"issuer\": \"$client\", \"accept\": { \"sub\": \"string\" }, $seal"
    done
    op_profile modrna modrna discovery ES256 "\"issuer\": \"$discovery\", $seal"
}

# The agent, and the public keys of its profiles where the providers read them.
op_agent_launch() {
    local client
    agent_config "\"provider_keys_dir\": \"$keys_dir\", \"fetch\": { \"ca_file\": \"$work/ca.pem\" }"
    agent_launch
    for client in "${!key_clients[@]}"; do
        hintsign jwks "$client.login" --output "$work/$client.jwks" || bail_out "no keys of $client"
    done
    hintsign jwks modrna --output "$work/discovery.jwks" || bail_out 'no keys of the discovery service'
}

# With the providers' keys there, every profile becomes ready.
op_agent_ready() {
    hintsign status --ready --wait 30 >"$work/status.log" 2>&1 ||
        bail_out "the agent is not ready: $(cat "$work/status.log")"
}

op_agent_start() {
    op_agent_launch
    fetch_once 2>"$work/fetch.log" || bail_out "hintsign-fetch: $(cat "$work/fetch.log" "$work/op.log")"
    op_agent_ready
}

# op_run PROGRAM [ARGUMENT...]: its results, and whether it got to its end
op_run() {
    local status=0
    node "$op/$1" "$origin" "${@:2}" >"$work/tap" 2>"$work/node.log" || status=$?
    include_tap <"$work/tap"
    is "$status" 0 "$1 ends well"
    [ "$status" -eq 0 ] || diag "$(tail -n 20 "$work/node.log" "$work/op.log")"
}
