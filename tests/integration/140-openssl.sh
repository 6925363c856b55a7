#!/usr/bin/env bash
# The openssl command signs with the agent's keys, and others verify it without the provider.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl.sh"
[ "$SANITIZED" = no ] || skip_all 'the openssl command is not built with sanitizers'
provider_agent
openssl_conf
cd "$work" || bail_out 'no work folder'
echo 'hello' >data
openssl dgst -sha256 -binary data >digest

# plain COMMAND...: openssl without the provider.
plain() {
    OPENSSL_CONF=/dev/null openssl "$@"
}

# usual_digest KEY
usual_digest() {
    case $1 in
    p384) echo sha384 ;;
    p521) echo sha512 ;;
    *) echo sha256 ;;
    esac
}

if command -v nm >/dev/null; then
    is "$(nm -D --defined-only "$provider_dir/hintsign.so" | awk '{ print $3 }')" OSSL_provider_init \
        'the provider exports its entry alone'
else
    skip 'the provider exports its entry alone' 'there is no nm'
fi

if command -v make >/dev/null; then
    like "$(MAKEFLAGS='' make -C "$top_builddir" -n install-modulesLTLIBRARIES 2>&1)" \
        "list='client/provider/hintsign.la'.*mode=install" 'make install brings it where OpenSSL looks'
else
    skip 'make install brings it where OpenSSL looks' 'there is no make'
fi

# --- what can be done, however the provider is loaded ---

# both COMMAND OPTION...: openssl with the provider, as this round loads it.
both() {
    local command=$1
    shift
    if [ "$round" = configured ]; then
        OPENSSL_CONF=$work/openssl.cnf openssl "$command" "$@"
    else
        openssl "$command" -provider default -provider hintsign "$@"
    fi
}

dgst() { # KEY DIGEST OPTION...
    local key=$1 digest=$2
    shift 2
    both dgst "-$digest" -sign "hintsign:$key" "$@" -out signature data &&
        plain dgst "-$digest" -verify "$key.pub" "$@" -signature signature data
}

pkeyutl() { # KEY OPTION...
    local key=$1
    shift
    both pkeyutl -sign -inkey "hintsign:$key" "$@" -out signature &&
        plain pkeyutl -verify -pubin -inkey "$key.pub" "$@" -sigfile signature
}

request() { # KEY OPTION...
    local key=$1
    shift
    both req -new -key "hintsign:$key" -subj "/CN=$key" "$@" -out "$key.csr" &&
        plain req -in "$key.csr" -noout -verify
}

certificate() { # KEY OPTION...
    local key=$1
    shift
    both req -x509 -key "hintsign:$key" -subj "/CN=$key" -days 2 "$@" -out "$key.crt" &&
        plain verify -CAfile "$key.crt" "$key.crt"
}

signed_request() { # KEY
    both x509 -req -in "$1.csr" -signkey "hintsign:$1" -out "$1.crt" && plain verify -CAfile "$1.crt" "$1.crt"
}

cms() { # KEY OPTION...
    local key=$1
    shift
    both cms -sign -in data -signer "$key.crt" -inkey "hintsign:$key" "$@" -out "$key.cms" &&
        plain cms -verify -in "$key.cms" -CAfile "$key.crt" -purpose any -out cms.data
}

# Both sides show a certificate whose key is the agent's.
tls() { # KEY VERSION
    local status
    rm -f tls.sock
    both s_server -unix tls.sock -naccept 1 "-$2" -key "hintsign:$1" -cert "$1.crt" \
        -Verify 1 -verify_return_error -CAfile "$1.crt" -quiet >server.log 2>&1 </dev/null &
    local server=$!
    wait_for 10 test -S tls.sock || return
    echo | both s_client -unix tls.sock -key "hintsign:$1" -cert "$1.crt" -CAfile "$1.crt" \
        -verify_return_error >client.log 2>&1
    status=$?
    wait "$server" || status=1
    [ "$status" -eq 0 ] && grep -q 'Verification: OK' client.log && grep -q 'verify return:1' server.log
}

for round in configured named; do
    for key in "${keys[@]}"; do
        runs 0 "$round: $key: the public half" both pkey -in "hintsign:$key" -pubout -out "$key.pub"
        runs 0 '... is read by others' plain pkey -pubin -in "$key.pub" -noout
        runs 0 'a request' request "$key"
        runs 0 '... signed by its own key' signed_request "$key"
        runs 0 'a certificate' certificate "$key"
        if [ "$key" = ed25519 ]; then
            runs 0 'pkeyutl with data' pkeyutl "$key" -rawin -in data
        else
            runs 0 'dgst' dgst "$key" "$(usual_digest "$key")"
            plain dgst "-$(usual_digest "$key")" -binary data >"$key.digest"
            runs 0 'pkeyutl with a digest' pkeyutl "$key" -in "$key.digest" \
                -pkeyopt "digest:$(usual_digest "$key")"
            runs 0 'cms' cms "$key"
        fi
    done
    for key in rsa p256 ed25519; do
        for version in tls1_2 tls1_3; do
            runs 0 "$key: ${version/_/.}, both sides" tls "$key" "$version"
        done
    done
    for digest in sha256 sha384 sha512; do
        runs 0 "RSA with $digest" dgst rsa "$digest"
        for salt in digest auto; do
            both dgst "-$digest" -sign hintsign:rsa -sigopt rsa_padding_mode:pss \
                -sigopt "rsa_pss_saltlen:$salt" -out signature data
            runs 0 "PSS with $digest, salt $salt" plain dgst "-$digest" -verify rsa.pub \
                -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -signature signature data
        done
    done
    runs 0 'a certificate signed with PSS' certificate rsa -sha384 -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:digest
    like "$(plain x509 -in rsa.crt -noout -text)" 'rsassaPss.*sha384.*mgf1 with sha384.*0x30' \
        '... says so'
    runs 0 'cms with PSS' cms rsa -keyopt rsa_padding_mode:pss
    both storeutl hintsign: >list 2>&1
    is "$(sed -n 's/.*Name: //p' list | xargs)" "$(printf 'hintsign:%s\n' "${keys[@]}" | sort | xargs)" \
        'storeutl lists the profiles'
    like "$(cat list)" 'RS256 RS384 RS512 PS256 PS384 PS512, ready' '... with their algorithms'
done

like "$(both pkey -in hintsign:p256 -noout -text)" 'profile p256 of hintsign-agent.*P-256' 'a key as text'
unlike "$(both pkey -in hintsign:p256 -noout -text_pub)" 'Private' '... its public half alone'
runs 1 'the private half cannot be written' both pkey -in hintsign:p256

# --- what cannot be done is said ---

# refused NAME REGEX COMMAND...: it fails in a bounded time, with this in the error queue.
refused() {
    local name=$1 regex=$2 begin=$SECONDS
    shift 2
    runs 1 "$name: refused" both "$@"
    like "$(cat stderr)" "$regex" '... with the reason'
    [ $((SECONDS - begin)) -lt 20 ] || not_ok '... at once'
}
key_generate other ec:P-256
key_generate few rsa:2048
profile_raw forbidden other '"ES256"' '[ { "uid": 4000000000 } ]'
profile_raw few few '"PS256"'
key_import secret "$(random_hex 32)"
profile_pingone minting secret
agent_reload
refused 'a profile that there is not' 'hintsign::NotAllowed:.*nobody: There is no such profile' \
    pkey -in hintsign:nobody -pubout
refused 'a profile of others' 'hintsign::NotAllowed:' pkey -in hintsign:forbidden -pubout
refused 'a profile that mints' 'no usable key' pkey -in hintsign:minting -pubout
refused 'an algorithm that is not listed' "hintsign::InvalidParameter:.*'algorithm'" \
    dgst -sha256 -sign hintsign:few -out signature data
refused 'a hash that JOSE has not' 'not supported by hintsign.*RSA with SHA1' \
    dgst -sha1 -sign hintsign:rsa -out signature data
refused "a hash that is not the curve's" 'prime256v1 with SHA2-384' \
    dgst -sha384 -sign hintsign:p256 -out signature data
refused 'PSS with another salt' 'not supported by hintsign.*salt' \
    dgst -sha256 -sign hintsign:rsa -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -out signature data
refused 'PSS with the longest salt' 'not supported by hintsign.*salt' \
    dgst -sha256 -sign hintsign:rsa -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max -out signature data
refused 'another padding' 'neither PKCS#1 v1.5 nor PSS' \
    dgst -sha256 -sign hintsign:rsa -sigopt rsa_padding_mode:x931 -out signature data
refused 'RSA without a digest' 'not supported by hintsign' pkeyutl -sign -inkey hintsign:rsa -in digest
head -c 46080 /dev/zero >most
head -c 46081 /dev/zero >more
runs 0 'Ed25519 of 45 KiB' pkeyutl ed25519 -rawin -in most
refused 'Ed25519 of more' 'too long.*46081' pkeyutl -sign -inkey hintsign:ed25519 -rawin -in more
refused 'another URI' 'not a URI of hintsign' pkey -in 'hintsign:p256?sock=/x' -pubout
refused 'a socket where nobody listens' 'hintsign::Unreachable:' pkey -in "hintsign:p256?socket=$work/none" -pubout

# --- where the agent is found ---

socket=$HINTSIGN_SOCKET
export HINTSIGN_SOCKET=$work/none
runs 0 'the socket of a URI' both pkey -in "hintsign:p256?socket=${socket//./%2e}" -pubout
both storeutl "hintsign:?socket=$socket" >list 2>&1
like "$(cat list)" "hintsign:p256\\?socket=$socket" '... is in the list, too'
openssl_conf "socket = $socket"
round=configured
runs 0 'the socket of the configuration' both pkey -in hintsign:p256 -pubout
export HINTSIGN_SOCKET=$socket
openssl_conf

# --- other keys are left alone ---

for order in 'default hintsign' 'hintsign default'; do
    read -r first second <<<"$order"
    named=(-provider "$first" -provider "$second")
    plain genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out file.pem 2>/dev/null
    plain pkey -in file.pem -pubout -out file.pub
    runs 0 "$order: a key in a file signs" openssl dgst "${named[@]}" -sha1 -sign file.pem -out signature data
    runs 0 '... and verifies, also what we do not sign' openssl dgst "${named[@]}" -sha1 -verify file.pub -signature signature data
    runs 0 "the agent's key signs" openssl dgst "${named[@]}" -sha256 -sign hintsign:p256 -out signature data
    runs 0 '... and is verified' openssl dgst "${named[@]}" -sha256 -verify p256.pub -signature signature data
    runs 0 '... with itself as well' openssl pkeyutl "${named[@]}" -verify -inkey hintsign:p256 -in digest -sigfile signature
done

# --- the agent never loads it, nor needs anything of it ---

agent_stop
runs 0 'without an agent others work' both dgst -sha256 -sign file.pem -out signature data
refused 'without an agent' 'hintsign::Unreachable:' dgst -sha256 -sign hintsign:p256 -out signature data
export OPENSSL_CONF=$work/openssl.cnf
agent_start
runs 0 'an agent under the same configuration signs' both dgst -sha256 -sign hintsign:p256 -out signature data
runs 0 '... and mints' hintsign mint minting --subject bob
if cat "/proc/$agent_pid/maps" >maps 2>/dev/null; then
    is "$(grep -c 'hintsign\.so' maps)" 0 '... and has not loaded the provider'
else
    skip '... and has not loaded the provider' 'only root may look into the agent'
fi
unset OPENSSL_CONF
agent_stop
done_testing
