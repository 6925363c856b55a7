#!/usr/bin/env bash
# Tokens of every algorithm go back and forth between agent/jose, jwcrypto, PyJWT and npm jose.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
interop=$top_srcdir/tests/interop
need_python 'import jwt, jwcrypto' 'PyJWT and jwcrypto (python3-jwt, python3-jwcrypto)'

npm=()
if [ -e "$interop/node_modules/jose" ] && command -v node >/dev/null; then
    npm=(node "$interop/jose_peer.mjs")
else
    skip 'npm jose' 'it is not there (./check installs it)'
fi
"$python" "$interop/jose_matrix.py" "$top_builddir/tests/interop/jose_tool" "${npm[@]}" >"$work/tap"
status=$?
include_tap <"$work/tap"
is "$status" 0 'every combination was tried'
done_testing
