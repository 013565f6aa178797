#!/usr/bin/env bash
# The public headers compile alone and cleanly as C99, C11, C17 and C++, also when they are included twice. C99 has no struct timespec of
# its own: POSIX gives it, as libmapshare(3) says.
. "$(dirname "$0")/../lib.sh"
INCLUDE=${top_srcdir:-$TEST_FOLDER/..}/include
CC=${CC:-cc} CXX=${CXX:-c++}
need_program "${CC%% *}"
scratch

cat >"$SCRATCH/use.c" <<'END'
#include <mapshare-mmap.h>
#include <mapshare.h>
#include <mapshare-mmap.h>
#include <mapshare.h>
int use(struct mapshare *ms);
int use(struct mapshare *ms) { return mapshare_close(ms) + mapshare_munmap(mapshare_addr(ms), 1); }
END
cp "$SCRATCH/use.c" "$SCRATCH/use.cc"

compiles() { # COMPILER STANDARD FILE
    local posix=()
    [ "$2" != c99 ] || posix=(-D_POSIX_C_SOURCE=199309L)
    # shellcheck disable=SC2086 # a compiler may be two words
    $1 -std="$2" "${posix[@]}" -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$INCLUDE" -c -o "$SCRATCH/use.o" \
        "$SCRATCH/$3" ||
        fail "$1 -std=$2 does not take the headers"
    echo "$1 -std=$2"
}

for standard in c99 c11 c17 gnu99 gnu17; do
    compiles "$CC" "$standard" use.c
done
if command -v "${CXX%% *}" >/dev/null; then
    for standard in c++11 c++17 c++20; do
        compiles "$CXX" "$standard" use.cc
    done
else
    skip_part "no C++ compiler"
fi
! $CC -I"$INCLUDE" -c -o "$SCRATCH/use.o" -x c - <<<'#include <mapshare.h>
int size = sizeof(struct mapshare);' 2>/dev/null || fail "struct mapshare is not opaque"
