#!/usr/bin/env bash
# hintsign without memory, whichever allocation fails: the right result or an error, no third thing.
. "$(dirname "$0")/lib.sh"
[ "$SANITIZED" = no ] || skip_all 'sanitizers allocate in their own way'
program=$top_builddir/.libs/hintsign
preload=$top_builddir/tests/modules/.libs/no_memory.so
[ -e "$program" ] && [ -e "$preload" ] || skip_all 'the library is not built as a shared one'
. "$(dirname "$0")/scripted_agent.sh"

# After so many successes in a row there is no further allocation to fail.
enough=20

# hungry N COMMAND...: without the Nth allocation. Not by the libtool script, a program of its own.
hungry() {
    local n=$1
    shift
    NO_MEMORY_AT=$n LD_PRELOAD=$preload LD_LIBRARY_PATH=$top_builddir/.libs "$program" "$@" \
        >"$work/stdout" 2>"$work/stderr"
}

# survives NAME COMMAND...: what it prints without memory is what it prints with it, or an error.
survives() {
    local name=$1 n status last=0 failed=0 mistakes=
    shift
    hungry 0 "$@" || bail_out "$name: $(stderr)"
    cp "$work/stdout" "$work/wanted"
    for ((n = 1; n <= last + enough; n++)); do
        status=0
        hungry "$n" "$@" || status=$?
        case $status in
        0) cmp -s "$work/stdout" "$work/wanted" || mistakes+="$n: another result; " ;;
        [1-4])
            failed=$((failed + 1)) last=$n
            [ "$(grep -c '^hintsign: ' "$work/stderr")" = 1 ] || mistakes+="$n: not one error; "
            ;;
        *) mistakes+="$n: status $status; " ;;
        esac
    done
    is "$mistakes" '' "$name: the result or an error"
    is "$((failed >= 5))" 1 "... $failed errors"
}

printf 'bob\nalice with a name that is not short\n' >"$work/subjects"
survives 'mint' mint pingone --subject 'a name that is not short' --claim a=b --reference r
survives 'mint --format json' mint pingone --subject bob --format json
survives 'mint --subjects-from' mint pingone --subjects-from "$work/subjects" --claim a=b
survives 'jwks' jwks hints
survives 'decode' decode eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.AAAA

# Of each request that was sent, whatever failed, nothing is missing.
is "$(sort -u "$work/requests" | grep '"r"' | wc -l)" 1 'every request of mint is complete'
is "$(grep -c '"io.hintsign.Agent.GetKeys","parameters":{}' "$work/requests")" 0 'jwks always names its profile'

# A file is replaced whole or not at all.
mkdir "$work/www"
hungry 0 jwks || bail_out "jwks: $(stderr)"
new=$(stdout)
mistakes=
for ((n = 1, last = 0; n <= last + enough; n++)); do
    echo old >"$work/www/jwks.json"
    wanted=$new
    hungry "$n" jwks --output "$work/www/jwks.json" || wanted=old last=$n
    [ "$(cat "$work/www/jwks.json")" = "$wanted" ] || mistakes+="$n: another content; "
    [ "$(ls "$work/www")" = jwks.json ] || mistakes+="$n: a file more; "
done
is "$mistakes" '' 'jwks --output: the new file or the old one'
done_testing
