#!/usr/bin/env bash
# In a bare Debian: what the packages bring, and what they leave. Started by packages.sh.
set -euxo pipefail
cd /packages
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
export SOFTHSM2_CONF=/etc/hintsign/softhsm2.conf
token='pkcs11:token=hints?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/hintsign/pin'

not() {
    if "$@"; then return 1; fi
}

install() {
    apt-get --quiet install --yes --no-install-recommends "$@" </dev/null
}

as() {
    setpriv --reuid "$1" --regid "$1" --init-groups "${@:2}"
}

# There is no service manager: its part is done here.
start_agent() {
    systemd-tmpfiles --create
    setpriv --reuid hintsign --regid hintsign --init-groups hintsign-agent </dev/null >>/agent.log 2>&1 &
    agent=$!
    hintsign status --ready --wait 30 || { cat /agent.log && exit 1; }
}

stop_agent() {
    kill -TERM "$agent"
    wait "$agent"
}

mints() {
    as www-data hintsign mint acme --subject bob | grep -E '^([A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]{43}$'
}

random_hex() {
    od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

apt-get --quiet update

# --- a workstation: the commands, and nothing of the agent ---

install ./hintsign-tools_*.deb ./libhintsign0_*.deb openssl softhsm2
[ "$(hintsign-key --version)" = "hintsign-key $(dpkg-query --show --showformat='${Version}' hintsign-tools)" ]
not getent passwd hintsign
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out kek.key
openssl pkey -in kek.key -pubout -out kek.pem
random_hex 32 | hintsign-key wrap --kek kek.pem >acme.wrapped

# --- a host ---

install ./hintsign-agent_*.deb ./hintsign-fetch_*.deb ./openssl-provider-hintsign_*.deb
[ "$(stat -c '%U:%G %a' /etc/hintsign)" = 'root:root 755' ]
[ "$(stat -c '%U:%G %a' /var/log/hintsign)" = 'hintsign:hintsign 700' ]
[ "$(stat -c '%U' /var/lib/hintsign/provider-keys)" = hintsign-fetch ]
for unit in hintsign-agent.service hintsign-agent.socket hintsign-metrics.timer hintsign-fetch.service; do
    [ "$(systemctl --root=/ is-enabled $unit)" = disabled ]
done

# As doc/operations.md has it.
command install -d -m 700 -o hintsign -g hintsign /var/lib/hintsign/tokens
echo 'directories.tokendir = /var/lib/hintsign/tokens' >$SOFTHSM2_CONF
(umask 077 && random_hex 8 >/etc/hintsign/pin)
chown hintsign: /etc/hintsign/pin
as hintsign softhsm2-util --init-token --free --label hints --so-pin "$(random_hex 8)" --pin "$(cat /etc/hintsign/pin)"
random_hex 32 | as hintsign hintsign-key import --token "$token" --label acme
as hintsign hintsign-key generate --token "$token" --label www --type ec:P-256
usermod --append --groups hintsign www-data
cat >/etc/hintsign/agent.json <<JSON
{ "version": 1, "tokens": [ { "name": "hints", "uri": "$token" } ] }
JSON
cat >/etc/hintsign/profiles.d/acme.json <<'JSON'
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT_ID", "audiences": [ "https://auth.pingone.com/ENVIRONMENT/as" ],
  "allow": [ { "user": "www-data" } ] }
JSON
cat >/etc/hintsign/profiles.d/www.json <<'JSON'
{ "version": 1, "kind": "raw", "key": "pkcs11:object=www", "algorithms": [ "ES256" ],
  "allow": [ { "user": "www-data" } ] }
JSON
start_agent
mints
as www-data ./names | grep '"acme"'
as www-data openssl req -provider default -provider hintsign -new -key hintsign:www -subj /CN=www |
    openssl req -noout -verify
# There is nothing for it to fetch.
as hintsign-fetch hintsign-fetch --once

# --- a later version, beside a running agent and instead of it ---

install ./later/*.deb
mints
stop_agent
start_agent
mints

# --- what removing leaves ---

stop_agent
kept=(/etc/hintsign/agent.json /etc/hintsign/pin /etc/hintsign/profiles.d/acme.json
    /var/log/hintsign/audit.jsonl /var/lib/hintsign/tokens)
for how in remove purge; do
    apt-get --quiet "$how" --yes hintsign-agent hintsign-fetch
    not command -v hintsign-agent
    ls "${kept[@]}"
    install ./later/hintsign-agent_*.deb
    start_agent
    mints
    stop_agent
done
hintsign-audit verify /var/log/hintsign/audit.jsonl
[ ! -e /var/lib/hintsign/provider-keys ]

# Nothing of ours is left where there was nothing of the administrator's.
rm -r /etc/hintsign/* /var/log/hintsign/* /var/lib/hintsign/*
apt-get --quiet purge --yes 'hintsign*' libhintsign0 openssl-provider-hintsign
not ls -d /etc/hintsign /var/log/hintsign /var/lib/hintsign /usr/share/hintsign
left=$(find /etc /usr /var -name '*hintsign*' -not -path '/var/log/apt/*' -not -path '/var/cache/*')
[ -z "$left" ]
