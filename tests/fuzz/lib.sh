# shellcheck shell=bash
# What the fuzz targets share: a compiler with libFuzzer, the daemon's objects with its coverage, a bounded run.
# FUZZ_SECONDS (10), FUZZ_CORPUS (a folder that is kept).
set -eu
top_srcdir=$(cd "$(dirname "$0")/../.." && pwd)
top_builddir=${top_builddir:-$PWD}
# shellcheck disable=SC2054
flags=(-std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined)
includes=(-I"$top_builddir" -I"$top_srcdir/include" -I"$top_srcdir/fsd" -I"$top_srcdir/libmapshare")
scratch=$(mktemp -d)
FUZZ_FOLDER=
clean_up() {
    ! mountpoint -q "$FUZZ_FOLDER" || umount -l "$FUZZ_FOLDER"
    rm -rf "$scratch" ${FUZZ_FOLDER:+"$FUZZ_FOLDER"}
}
trap clean_up EXIT

skip() {
    echo "SKIP: $*"
    exit 77
}

need_fuzzer() {
    clang=${CLANG:-$(command -v clang || true)}
    [ -n "$clang" ] || skip "no clang"
    [ -w /dev/shm ] || skip "no /dev/shm to work in"
    [ -e "$top_builddir/config.h" ] || skip "no config.h in $top_builddir"
    echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b && n > 9; }' > "$scratch/try.c"
    "$clang" -w "${flags[@]}" "$scratch/try.c" -o "$scratch/try" 2> /dev/null || skip "$clang has no libFuzzer"
}

build() { # TARGET SOURCE...: tests/fuzz/TARGET.c with these
    local name=$1 libraries more packages
    shift
    # shellcheck disable=SC2153
    read -ra packages <<< "$PACKAGES"
    read -ra libraries <<< "$(pkg-config --libs "${packages[@]}")"
    read -ra more <<< "$(pkg-config --cflags "${packages[@]}")"
    mkdir "$scratch/objects"
    # shellcheck disable=SC2016
    printf '%s\n' "$top_srcdir/tests/fuzz/$name.c" "$@" |
        (cd "$scratch/objects" && xargs -P "$(nproc)" -I '{}' sh -c 'f=$1; shift; exec "$@" -c "$f" -o "$(echo "$f" | tr / _).o"' - \
            '{}' "$clang" -w "${flags[@]}" "${includes[@]}" "${more[@]}")
    "$clang" "${flags[@]}" "$scratch"/objects/*.o "${libraries[@]}" -pthread -o "$scratch/$name"
}

run() { # TARGET [FOLDER...] [OPTION...]: with the corpus of its name in tests/fuzz/corpus, and further ones
    local name=$1 corpus=${FUZZ_CORPUS:-$scratch/corpus}
    shift
    mkdir -p "$corpus"
    [ -n "$FUZZ_FOLDER" ] || FUZZ_FOLDER=$(mktemp -d /dev/shm/mapshare-fuzz.XXXXXX)
    export FUZZ_FOLDER
    cd "$scratch"
    if ! "./$name" "$corpus" "$top_srcdir/tests/fuzz/corpus/$name" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=60 -rss_limit_mb=2048 \
        -print_final_stats=1 "$@" > log 2>&1; then
        tail -n 60 log
        for input in crash-* timeout-* oom-* leak-*; do
            [ ! -e "$input" ] || { echo "input $input:"; gzip -c "$input" | base64; }
        done
        exit 1
    fi
    grep -E 'Seed:|number_of_executed_units|average_exec|DONE' log
}
