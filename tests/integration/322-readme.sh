#!/usr/bin/env bash
# Every command of README.md, in a checkout where everything is built.
# shellcheck disable=SC2016
. "$(dirname "$0")/house.sh"
[ "$SANITIZED" = no ] || skip_all 'openssl cannot load what was built with sanitizers'
[ -e "$top_builddir/client/provider/.libs/hintsign.so" ] || skip_all 'the provider was not built'
cd "$top_srcdir" || exit
[ "$(.ci/install-packages build run 2>/dev/null)" = 'all there' ] ||
    skip_all 'packages for ./quickstart are missing (.ci/packages)'
rm -rf .quickstart
mkdir -m 700 .quickstart
ln -s "$top_builddir" .quickstart/build

gives './quickstart' 'A login_hint_token of profile modrna'
given '* key import *' 'random_hex 32 >"$input"'
given './quickstart reload' \
    'sed "s/YOUR_LOGIN_NAME/root/" <<<"${examples[-1]}" >.quickstart/profiles.d/shop.json'
gives '* mint shop *' '^eyJ'
gives '* jwks *' '^\{"keys":\[\{'
gives '* openssl req *' 'BEGIN CERTIFICATE REQUEST'
walk README.md
runs 0 './quickstart stop' ./quickstart stop
done_testing
