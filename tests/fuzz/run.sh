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
# Some targets write files: in memory they take a third of the time.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

# Seconds of CPU that everything started here has taken.
cpu() {
    awk '{ print int(($16 + $17) / 100) }' "/proc/$$/stat"
}

# libFuzzer counts seconds of the clock, so on a busy machine it is started again for the rest.
fuzz() {
    local what=$1 left end=$(($(cpu) + seconds))
    while left=$((end - $(cpu))) && [ "$left" -gt 0 ]; do
        tests/fuzz/fuzz_"$what" -max_total_time="$left" -max_len=20000 -timeout=20 \
            -rss_limit_mb=2048 -handle_xfsz=0 -print_final_stats=1 \
            -artifact_prefix="findings/$what-" "$what" "$srcdir/tests/fuzz/corpus/$what" || return 1
    done
}

for what in "${targets[@]}"; do
    mkdir -p "$what"
    echo "== $what"
    fuzz "$what" 2>"$what.log" || status=1
    grep -E '^(SUMMARY|artifact)|ERROR' "$what.log" || true
    awk '/^stat::number_of_executed/ { n += $2 } END { print n + 0 " inputs" }' "$what.log"
done
exit "$status"
