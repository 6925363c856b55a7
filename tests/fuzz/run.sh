#!/usr/bin/env bash
# Builds the fuzz targets with clang's libFuzzer and sanitizers, in fuzz/ of the build folder, and
# runs each for SECONDS of CPU. What it finds is kept in fuzz/findings/; what taught it something new
# is kept in fuzz/WHAT/.
#
#   run.sh SOURCE-FOLDER SECONDS [WHAT...]
set -euo pipefail
srcdir=$1 seconds=$2
shift 2
mkdir -p fuzz/findings && cd fuzz
[ -e Makefile ] || "$srcdir/configure" CC=clang --enable-fuzzing >configure.log
targets=("$@")
[ $# -gt 0 ] || targets=(audit configuration jwe jwks reply request)
make -s "${targets[@]/#/tests/fuzz/fuzz_}"
export top_srcdir=$srcdir status=0
for what in "${targets[@]}"; do
    mkdir -p "$what"
    echo "== $what"
    tests/fuzz/fuzz_"$what" -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=2048 \
        -handle_xfsz=0 -print_final_stats=1 -artifact_prefix="findings/$what-" \
        "$what" "$srcdir/tests/fuzz/corpus/$what" 2>"$what.log" || status=1
    grep -E '^(SUMMARY|stat::number_of_executed|artifact)|ERROR' "$what.log" || true
done
exit "$status"
