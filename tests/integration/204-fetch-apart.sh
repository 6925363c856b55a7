#!/usr/bin/env bash
# Who is on the network has no keys: what the programs are linked with.
. "$(dirname "$0")/lib.sh"
need readelf nm strings
[ -e "$top_builddir/hintsign-fetch" ] || skip_all 'hintsign-fetch was not built'

# needed PROGRAM: the libraries that it asks for by itself.
needed() {
    readelf -d "$top_builddir/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

imports() {
    nm -D --undefined-only "$top_builddir/$1" | awk '{ print $2 }'
}

like "$(needed hintsign-fetch)" 'libcurl\.so' 'hintsign-fetch needs libcurl: the test can see it'
unlike "$(needed hintsign-fetch)" 'p11' 'hintsign-fetch needs no p11-kit'
unlike "$(imports hintsign-fetch)" '(^|[[:space:]])(p11_|C_[A-Z])' 'and imports no symbol of it'
like "$(imports hintsign-agent)" '(^|[[:space:]])p11_kit_' 'hintsign-agent does: the test can see it'
for program in hintsign-agent hintsign-key hintsign; do
    [ -e "$top_builddir/.libs/$program" ] && program=.libs/$program
    unlike "$(needed "$program")" 'libcurl|libssl|libnss|libgnutls' "$program needs no network library"
    unlike "$(imports "$program")" '(^|[[:space:]])curl_' 'and imports no symbol of libcurl'
done
is "$(strings -a "$top_builddir/hintsign-fetch" | grep -cE 'pin-source|softhsm|C_GetFunctionList')" 0 \
    'no trace of PKCS #11 in hintsign-fetch'
done_testing
