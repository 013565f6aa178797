#!/bin/bash
# Replay of a journal of any bytes: no crash, nothing touched but the files named.
# FUZZ_SECONDS (10), FUZZ_CORPUS (a folder that is kept).
set -eu
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$PWD}
seconds=${FUZZ_SECONDS:-10}
# shellcheck disable=SC2054
flags=(-std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

skip() {
    echo "SKIP: $*"
    exit 77
}

clang=${CLANG:-$(command -v clang || true)}
[ -n "$clang" ] || skip "no clang"
[ -w /dev/shm ] || skip "no /dev/shm to work in"
echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b && n > 9; }' > "$scratch/try.c"
"$clang" -w "${flags[@]}" "$scratch/try.c" -o "$scratch/try" 2> /dev/null || skip "$clang has no libFuzzer"
[ -e "$top_builddir/config.h" ] || skip "no config.h in $top_builddir"

# Buffers are small, so that inputs of a few pages reach their ends, and the sanitizer has little to prepare.
read -ra libraries <<< "$(pkg-config --cflags --libs liburing libxxhash libbsd-overlay libseccomp)"
"$clang" "${flags[@]}" '-DDATA_BYTES=((size_t)16384)' '-DBUFFER_BYTES=((size_t)32768)' -I"$top_builddir" -I"$top_srcdir/include" -I"$top_srcdir/fsd" \
    "$top_srcdir"/tests/fuzz/journal-replay.c "$top_srcdir"/fsd/journal/*.c "$top_srcdir"/fsd/store/*.c "$top_srcdir"/fsd/sandbox/*.c "$top_srcdir"/fsd/log.c \
    "${libraries[@]}" -pthread -o "$scratch/journal-replay"

corpus=${FUZZ_CORPUS:-$scratch/corpus}
mkdir -p "$corpus" "$scratch/seeds"
FUZZ_SEEDS=$scratch/seeds "$scratch/journal-replay"
cd "$scratch"
if ! ./journal-replay -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=131072 -print_final_stats=1 \
    "$corpus" seeds > log 2>&1; then
    tail -n 60 log
    for input in crash-* timeout-* oom-*; do
        [ ! -e "$input" ] || { echo "input $input:"; gzip -c "$input" | base64; }
    done
    exit 1
fi
grep -E 'Seed:|number_of_executed_units|average_exec|DONE' log
