#!/usr/bin/env bash
# Every command of doc/operations.md, in its order, on a machine that has nothing of hintsign yet.
# shellcheck disable=SC2016
. "$(dirname "$0")/house.sh"
need systemd-sysusers systemd-tmpfiles systemd-creds pkcs11-tool

# What SoftHSM2 leaks is left out (tests/lsan.supp), which takes whole stacks.
ASAN_OPTIONS+=:fast_unwind_on_malloc=0
house_provider
given 'runuser * hintsign-key import * --label acme' 'random_hex 32 >"$input"'
gives 'runuser -u www-data -- hintsign mint acme *' '^eyJ'
given 'read * fingerprint' 'sed -n "s/^fingerprint: *//p" kek.pem >"$input"'
given 'hintsign-key wrap *' 'random_hex 32 >"$input"'
gives 'jq -r *kid*' $'^[^\n]+\n[^\n]+$'
given 'systemd-ask-password *' 'cat /etc/hintsign/pin >"$input"'
given 'hintsign unlock hints' 'cat /etc/hintsign/pin >"$input"'
given 'printf %s "$jwt" *' 'jwt=$(runuser -u www-data -- hintsign mint acme --subject bob)'
gives 'printf %s "$jwt" *' '"profile":"acme",.*"token_sha256"'
given 'cd /var/log/hintsign *' 'wait_for 10 eval "ls /var/log/hintsign/audit.jsonl.2*"'
gives 'hintsign status --format openmetrics' 'hintsign_requests_total\{profile="acme",outcome="issued"\} [1-9]'
given 'systemctl enable --now hintsign-metrics.timer' 'mkdir -p /var/lib/prometheus/node-exporter'
# From then on the PIN is in a file again.
given 'runuser * pkcs11-tool *' 'sed -i "s|libsofthsm2.so|&\&pin-source=file:/etc/hintsign/pin|" \
    /etc/hintsign/agent.json && systemctl restart hintsign-agent'
walk doc/operations.md
is "$(tail -n 1 /var/lib/prometheus/node-exporter/hintsign.prom)" '# EOF' "the agent's numbers are in a file"
systemctl stop hintsign-agent
done_testing
