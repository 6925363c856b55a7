#!/usr/bin/env bash
# A program with many threads signs through OpenSSL: an agent that is restarted, a fork, leaks, speed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl.sh"
[ -x "$evp_client" ] || skip_all 'evp_client is not built'
provider_agent
count=10000
[ "$SANITIZED" = no ] || count=2000

is "$(HINTSIGN_SOCKET=/nowhere "$evp_client" idle)" '0 sockets, 1 threads' 'loading the provider costs nothing'
for key in "${keys[@]}"; do
    runs 0 "$key: every way to sign and to verify" "$evp_client" shapes "hintsign:$key"
done
[ "$SANITIZED" = no ] || skip 'Ed25519' 'SoftHSM2 leaks memory whenever an Ed25519 key is to sign'
runs 0 'parent and child sign after a fork' "$evp_client" fork hintsign:p256

# --- eight threads, and the agent is restarted while they sign ---

"$evp_client" sign hintsign:p256 8 "$count" >"$work/threads" 2>"$work/threads.err" &
threads=$!
wait_for 120 grep -q half "$work/threads" || not_ok 'half of them are done'
agent_stop
kill -0 "$threads" && ok 'they are still at it' || not_ok 'they are still at it'
agent_start
status=0
wait "$threads" || status=$?
is "$status $(cat "$work/threads.err")" '0 ' "$count signatures, all good"
is "$(grep -c '"type":"sign".*"digest"' "$work/audit.jsonl")" \
    "$(grep -c '"type":"sign"' "$work/audit.jsonl")" '... and all granted'

# --- nothing is lost ---

if [ "$SANITIZED" = yes ]; then
    ok 'the sanitizers have found nothing'
elif command -v valgrind >/dev/null; then
    for key in rsa p256 ed25519; do
        runs 0 "$key: valgrind finds nothing" env LD_LIBRARY_PATH="$top_builddir/.libs" \
            valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
            --error-exitcode=9 "$top_builddir/tests/interop/.libs/evp_client" shapes "hintsign:$key"
    done
else
    skip 'valgrind finds nothing' 'it is not installed'
fi

# Which of them is how much faster, `make bench` tells.
runs 0 'through OpenSSL and through libhintsign by turns' "$evp_client" compare p256 8 200
agent_stop
done_testing
