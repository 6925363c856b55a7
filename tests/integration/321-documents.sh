#!/usr/bin/env bash
# Every command of the documents that have no test of their own, and of the manual pages, on a machine
# where the first part of doc/operations.md has been done.
# shellcheck disable=SC2016
. "$(dirname "$0")/house.sh"
need systemd-sysusers systemd-tmpfiles pkcs11-tool curl cc pkg-config
house_provider

# profile NAME [JSON]: one that serves root, by default the last example of the document.
profile() {
    jq '.allow = [ { "user": "root" } ]' <<<"${2:-${examples[-1]}}" >"/etc/hintsign/profiles.d/$1.json"
}

# A document NAME can have prepare_NAME, which is called before it, and look_at_NAME, afterwards.

# key COMMAND...: on the agent's token.
key() {
    runuser -u hintsign -- hintsign-key "$1" --token "$token" "${@:2}"
}

# --- hintsign-key(1): somebody with tokens of his own ---

pass() {
    [ "$*" = 'show acme' ] && random_hex 32
}
export SOFTHSM2_CONF=$work/softhsm2.conf
mkdir "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$SOFTHSM2_CONF"
(umask 077 && random_hex 8 >~/pin)
for name in hints other; do
    softhsm2-util --init-token --free --label $name --so-pin "$(random_hex 8)" --pin "$(cat ~/pin)" >/dev/null
done
given 'hintsign-key import *$other*' 'other=${token/hints/other} && random_hex 32 >"$input"'
gives 'hintsign-key list *' 'discovery id=.* type=ec:P-256'
walk doc/hintsign-key.1

# --- the others ---

given 'runuser * hintsign-key import * --label acme' 'random_hex 32 >"$input"'
walk doc/operations.md 'A new HSM'
key generate --label shop --type ec:P-256 >/dev/null
key generate --label www --type ec:P-256 >/dev/null
profile pingone "$(cat /etc/hintsign/profiles.d/acme.json)"
profile login "$(jq '.kind = "client_assertion"' /etc/hintsign/profiles.d/acme.json)"
profile modrna '{ "version": 1, "kind": "modrna", "key": "pkcs11:object=shop", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "https://op.example" ],
  "seal": { "alg": [ "ECDH-ES+A128KW" ], "enc": "A256GCM" } }'
profile www '{ "version": 1, "kind": "raw", "key": "pkcs11:object=www", "algorithms": [ "ES256" ] }'
jq '.audit.checkpoint_key = "pkcs11:object=audit"' /etc/hintsign/agent.json >agent.json
mv agent.json /etc/hintsign/
key generate --label audit --type ec:P-256 >/dev/null
{ hintsign reload && runuser -u hintsign-fetch -- hintsign-fetch --once && hintsign status --ready --wait 10; } \
    >"$work/prepare.log" 2>&1 || bail_out "not ready: $(cat "$work/prepare.log")"

prepare_providers() {
    given 'hintsign jwks shop.login *' 'profile shop.login "${examples[0]}" && hintsign reload'
    given 'runuser * hintsign-key import *' 'random_hex 32 >"$input"'
    given 'hintsign mint shop.hint *' 'profile shop.hint && hintsign reload'
    gives 'hintsign mint shop.hint *' '^eyJ'
}

prepare_hintsign() {
    given '* curl *' 'touch "$www/bc-authorize"'
    given 'hintsign jwks *' 'install -d /var/www/discovery'
    given 'hintsign * --subjects-from *' 'printf "%s\n" alice bob >users'
    gives 'hintsign * --subjects-from *' $'^alice\teyJ[^\n]*\nbob\teyJ[^\n]*$'
}

look_at_hintsign() {
    is "$(tr '&' '\n' <posted | cut -d= -f1 | paste -sd ' ')" \
        'client_assertion_type client_assertion login_hint_token' '... and the provider gets what it asks for'
}

prepare_hintsign-audit() {
    given 'hintsign-audit verify *' 'rotate'
    given 'hash=*' 'jwt=$(hintsign mint pingone --subject bob)'
    gives 'grep *' ' mint .* pingone '
}
rotate() {
    hintsign jwks --audit --output audit-keys.json
    systemctl kill -s USR1 hintsign-agent
    wait_for 10 eval 'ls audit.jsonl.2*'
    checkpoint=$(journalctl -u hintsign-agent -o cat | sed -n 's/^audit: checkpoint //p' | tail -n 1)
}

prepare_hintsign-agent() {
    given 'systemctl enable *' 'systemctl stop hintsign-agent'
}

provider_module=$top_builddir/client/provider/.libs/hintsign.so
prepare_hintsign-provider() {
    cp /etc/ssl/openssl.cnf "$work/openssl.cnf"
    given 'openssl req *' '{ echo "${examples[0]}" && sed "/^openssl_conf/d" "$work/openssl.cnf"; } >/etc/ssl/openssl.cnf'
    given 'openssl dgst * -sign *' 'echo data >file'
    serves 'openssl s_server *' 'openssl s_client -connect localhost:4433 -verify_return_error -CAfile www.crt </dev/null'
}

prepare_libhintsign() {
    {
        printf '#include <stdio.h>\n#include <hintsign.h>\nint main(void) {\n'
        sed -n '/^\.Sh EXAMPLES/,/^\.Ed/{/^\./!{s/\\e/\\/g;p}}' "$top_srcdir/doc/libhintsign.3" | tail -n +2
        echo '}'
    } >prog.c
}

look_at_libhintsign() {
    like "$(./a.out)" '^eyJ' '... and the program prints a token'
}

# Its examples are one configuration.
look_at_hintsign-agent.json() {
    local i
    groupadd shop
    mkdir page
    jq ".profiles_dir = \"$work/page\"" <<<"${examples[0]}" >page.json
    for i in "${!examples[@]}"; do
        [ "$i" = 0 ] || echo "${examples[i]}" >"page/$i.json"
    done
    runs 0 'doc/hintsign-agent.json.5: the examples are taken' hintsign-agent --config page.json --check
}

for document in "$top_srcdir"/doc/*.md "$top_srcdir"/doc/*/README.md "$top_srcdir"/doc/*.[1-8]; do
    name=${document##*/} document=${document#"$top_srcdir/"}
    name=${name%.*}
    ! grep -qsx "walk $document" "$top_srcdir"/tests/integration/*.sh || continue
    case $SANITIZED.$name in
    yes.hintsign-provider | yes.libhintsign)
        skip "$name" 'programs of others cannot load what was built with sanitizers' && continue
        ;;
    *.hintsign-provider)
        [ -e "$provider_module" ] || { skip "$name" 'the provider was not built' && continue; }
        ;;
    esac
    ! declare -F "prepare_$name" >/dev/null || "prepare_$name"
    walk "$document"
    cd "$work" || exit
    ! declare -F "look_at_$name" >/dev/null || "look_at_$name"
done

systemctl stop hintsign-agent
done_testing
