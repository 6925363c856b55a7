# Shell library of the tests of hintsign-fetch: an OpenID Provider's web server, its CA and keys.
#
#   . "$(dirname "$0")/provider.sh"          # lib.sh as well
#   provider_start                           # $origin is https://localhost:PORT
#   provider_metadata                        # of the issuer $origin/op
#   provider_keys "{ $(jwk ec), \"use\": \"enc\" }"
#   seal_profile p "$origin/op"
#   fetch_config
#   runs 0 'fetches' fetch_once
#
# shellcheck shell=bash disable=SC2034,SC2154
[ -n "${tests_run:-}" ] || . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need openssl python3
[ -e "$top_builddir/hintsign-fetch" ] || skip_all 'hintsign-fetch was not built'

www=$work/www
keys_dir=$work/provider-keys
mkdir "$www" "$keys_dir" "$work/profiles.d"
started=()
trap 'provider_end; cleanup' EXIT

provider_end() {
    [ ${#started[@]} -gt 0 ] || return
    kill -KILL "${started[@]}" 2>/dev/null
    wait "${started[@]}" 2>/dev/null
}

# --- certificates ---

# ca_create NAME: a CA of that name.
ca_create() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj "/CN=test CA $1" -keyout "$work/$1.key" -out "$work/$1.pem" 2>"$work/openssl.log" ||
        bail_out "openssl: $(cat "$work/openssl.log")"
}

# certificate_create NAME CA SUBJECT_ALT_NAMES
certificate_create() {
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$3" >"$work/$1.ext"
    {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
            -keyout "$work/$1.key" -out "$work/$1.csr" &&
            openssl x509 -req -days 2 -in "$work/$1.csr" -extfile "$work/$1.ext" \
                -CA "$work/$2.pem" -CAkey "$work/$2.key" -CAcreateserial -out "$work/$1.pem"
    } >"$work/openssl.log" 2>&1 || bail_out "openssl: $(cat "$work/openssl.log")"
}

# --- the server ---

# server_start FOLDER [ARGUMENT...]: https_server.py; its port is then in $port, its pid in $server.
server_start() {
    local folder=$1
    python3 "$top_srcdir/tests/integration/https_server.py" "$@" </dev/null >>"$work/server.log" 2>&1 &
    server=$!
    started+=("$server")
    wait_for 20 test -e "$folder/port" || bail_out "no server: $(cat "$work/server.log")"
    port=$(cat "$folder/port")
    rm "$folder/port"
}

provider_start() {
    ca_create ca
    certificate_create server ca 'DNS:localhost,IP:127.0.0.1'
    server_start "$work" "$work/server.pem" "$work/server.key"
    origin=https://localhost:$port
    issuer=$origin/op
    mkdir -p "$www/op/.well-known"
    metadata=$www/op/.well-known/openid-configuration
    jwks=$www/op/jwks
}

# provider_metadata [ISSUER [JWKS_URI]]
provider_metadata() {
    echo "{ \"issuer\": \"${1:-$issuer}\", \"jwks_uri\": \"${2:-$issuer/jwks}\" }" >"$metadata"
}

# provider_keys JWK...: the provider's JWK Set.
provider_keys() {
    local IFS=,
    echo "{ \"keys\": [ $* ] }" >"$jwks"
}

# --- keys ---

base64url() {
    base64 -w 0 | tr '+/' '-_' | tr -d =
}

# jwk ec|x25519|rsa [BITS]: the members of a new public key, without braces.
jwk() {
    local modulus
    case $1 in
    ec)
        openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -outform DER |
            tail -c 64 >"$work/point"
        echo "\"kty\": \"EC\", \"crv\": \"P-256\"," \
            "\"x\": \"$(head -c 32 "$work/point" | base64url)\"," \
            "\"y\": \"$(tail -c 32 "$work/point" | base64url)\""
        ;;
    x25519)
        echo "\"kty\": \"OKP\", \"crv\": \"X25519\", \"x\": \"$(openssl genpkey -algorithm X25519 |
            openssl pkey -pubout -outform DER | tail -c 32 | base64url)\""
        ;;
    rsa)
        modulus=$(openssl genrsa "${2:-2048}" 2>/dev/null | openssl rsa -noout -modulus)
        echo "\"kty\": \"RSA\", \"e\": \"AQAB\"," \
            "\"n\": \"$(hex_bytes "${modulus#Modulus=}" | base64url)\""
        ;;
    esac
}

hex_bytes() {
    # shellcheck disable=SC2001
    printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"
}

# --- configuration ---

# seal_profile NAME ISSUER [MAX_STALE]
seal_profile() {
    local stale=
    [ -z "${3:-}" ] || stale=", \"max_stale\": $3"
    profile_write "$1" <<END
{ "version": 1, "kind": "modrna", "audiences": [ "$2" ],
  "seal": { "alg": [ "RSA-OAEP-256", "ECDH-ES+A128KW" ], "enc": "A256GCM"$stale } }
END
}

# fetch_config [MEMBERS]: an agent.json as far as hintsign-fetch reads it.
fetch_config() {
    cat >"$work/agent.json" <<END
{ "profiles_dir": "$work/profiles.d", "provider_keys_dir": "$keys_dir",
  "fetch": { "ca_file": "$work/ca.pem" }${1:+, $1} }
END
}

# fetch_once [OPTION...]
fetch_once() {
    hintsign-fetch --once --config "$work/agent.json" "$@"
}

# key_file [ISSUER]: the path of its file.
key_file() {
    local name=${1:-$issuer}
    name=${name//:/%3A}
    echo "$keys_dir/${name//\//%2F}.json"
}

# json FILE EXPRESSION: a Python expression over the document d.
json() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"
}
