# Shell library of the tests of OpenSSL's provider: an agent with keys for it. After lib.sh.
# shellcheck shell=bash

need softhsm2-util openssl
provider_dir=$top_builddir/client/provider/.libs
[ -e "$provider_dir/hintsign.so" ] || skip_all 'the provider is not built'
export OPENSSL_MODULES=$provider_dir
evp_client=$top_builddir/tests/interop/evp_client

# provider_agent: profiles rsa, p256, p384, p521 and, where SoftHSM2 can, ed25519, and their agent.
provider_agent() {
    token_create
    key_generate rsa rsa:2048
    key_generate p256 ec:P-256
    key_generate p384 ec:P-384
    key_generate p521 ec:P-521
    profile_raw rsa rsa '"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"'
    profile_raw p256 p256 '"ES256"'
    profile_raw p384 p384 '"ES384"'
    profile_raw p521 p521 '"ES512"'
    keys=(rsa p256 p384 p521)
    if [ "$SANITIZED" = no ]; then
        key_generate ed25519 ed25519
        profile_raw ed25519 ed25519 '"EdDSA"'
        keys+=(ed25519)
    fi
    agent_config
    agent_start
}

# openssl_conf [SETTING]: a configuration that loads the default provider and ours, with a setting
# of ours.
openssl_conf() {
    cat >"$work/openssl.cnf" <<END
openssl_conf = init
[init]
providers = providers
[providers]
default = default_sect
hintsign = hintsign_sect
[default_sect]
activate = 1
[hintsign_sect]
module = $provider_dir/hintsign.so
activate = 1
${1:-}
[req]
distinguished_name = name
x509_extensions = ca
[name]
[ca]
basicConstraints = CA:TRUE
END
}
