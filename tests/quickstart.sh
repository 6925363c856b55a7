#!/usr/bin/env bash
# Does what README.md tells a newcomer to do. Usage: quickstart.sh FOLDER   (made and removed)
set -euxo pipefail
export QUICKSTART_DIR=$1
cd "$(dirname "$0")/.."
trap './quickstart clean' EXIT
./quickstart clean

./quickstart
./quickstart mint pingone --subject bob | grep -E '^([A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]{43}$'
./quickstart profiles
./quickstart status --ready

# The provider opens what is sealed, and verifies what is in it with what is published.
./quickstart mint modrna --claim MSISDN=+12025550123 >"$QUICKSTART_DIR/sealed"
./quickstart decode - <"$QUICKSTART_DIR/sealed" | grep '"kid": "example"'
./quickstart jwks modrna >"$QUICKSTART_DIR/jwks.json"
for python in python3 /usr/bin/python3; do "$python" -c 'import jwcrypto' && break; done
"$python" -c '
import sys
from jwcrypto import jwk
print(jwk.JWK.from_pem(sys.stdin.buffer.read()).export())
' <"$QUICKSTART_DIR/provider.pem" >"$QUICKSTART_DIR/provider.jwk"
"$python" tests/interop/sealed.py open "$QUICKSTART_DIR/provider.jwk" "$QUICKSTART_DIR/jwks.json" \
    <"$QUICKSTART_DIR/sealed" | grep '"MSISDN":"+12025550123"'

# A certificate, signed and verified through OpenSSL.
./quickstart openssl req -x509 -key hintsign:www -subj /CN=www.example -out "$QUICKSTART_DIR/www.crt"
openssl verify -CAfile "$QUICKSTART_DIR/www.crt" "$QUICKSTART_DIR/www.crt"

# A profile of your own.
echo 'a secret that has thirty-two bytes' | ./quickstart key import --label shop
sed -n '/{ "version": 1, "kind"/,/} ] }/p' README.md |
    sed "s/YOUR_LOGIN_NAME/$(id -un)/" >"$QUICKSTART_DIR/profiles.d/shop.json"
./quickstart reload
./quickstart mint shop --subject bob

# The second run reuses what is there; the running agent too.
pid=$(cat "$QUICKSTART_DIR/agent.pid")
[ "$(./quickstart | grep -c -e ' kept$' -e 'self-signature verify OK$')" = 4 ]
./quickstart jwks modrna | cmp - "$QUICKSTART_DIR/jwks.json"
[ "$pid" = "$(cat "$QUICKSTART_DIR/agent.pid")" ]
./quickstart mint shop --subject bob

echo nonsense >"$QUICKSTART_DIR/profiles.d/shop.json"
if ./quickstart reload; then exit 1; fi
./quickstart mint shop --subject bob

./quickstart stop
[ ! -e "/proc/$pid/exe" ]
if ./quickstart mint pingone --subject bob; then exit 1; fi
