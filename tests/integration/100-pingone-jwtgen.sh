#!/usr/bin/env bash
# pingone tokens are, byte for byte, what npm jwtgen prints for the same secret, times and claims.
. "$(dirname "$0")/lib.sh"
need softhsm2-util node
interop=$top_srcdir/tests/interop
[ -e "$interop/node_modules/jwtgen" ] || skip_all 'npm jwtgen is not there (./check installs it)'

token_create
audience=https://auth.pingone.com/Ümgebung/as
declare -A secret issuer
for bits in 256 384 512; do
    secret[$bits]="\"$bits\" é✓ \\ $(random_hex 32)"
    issuer[$bits]="client \"$bits\" \\ / 😀"
    key_import "key$bits" "${secret[$bits]}" --algorithm "HS$bits"
    profile_write "p$bits" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=key$bits", "algorithm": "HS$bits",
  "client_id": "client \"$bits\" \\\\ / 😀", "audiences": [ "$audience" ], "lifetime": 300,
  "allow": $allow_me }
END
done
agent_config
agent_start

for bits in 256 384 512; do
    printf '%s' "${secret[$bits]}" >"$work/secret"
    node "$interop/jwtgen.js" "p$bits" "HS$bits" "${issuer[$bits]}" "$audience" \
        <"$work/secret" >"$work/tap"
    status=$?
    include_tap <"$work/tap"
    is "$status" 0 "HS$bits: every subject was tried"
done

for control in $'\001' $'\t' $'\n' $'\037'; do
    runs 1 "refused: a subject with $(printf '%q' "$control")" \
        hintsign mint p256 --subject "a${control}b"
    is "$(cat "$work/stdout")" '' 'and nothing is printed'
done
agent_stop
done_testing
