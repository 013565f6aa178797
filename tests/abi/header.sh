#!/usr/bin/env bash
# The public headers compile alone and cleanly as C99, C11, C17 and C++17, also when it is included twice.
# C99 has no struct timespec of its own: POSIX gives it.
. "$(dirname "$0")/../lib.sh"
INCLUDE=${top_srcdir:-$TEST_FOLDER/..}/include
need_program "${CC:-cc}"
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
    "$1" -std="$2" -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$INCLUDE" -c -o "$SCRATCH/use.o" \
        "$SCRATCH/$3" ||
        fail "$1 -std=$2 does not take the headers"
    echo "$1 -std=$2"
}

for standard in c99 c11 c17 gnu99 gnu17; do
    compiles "${CC:-cc}" "$standard" use.c
done
if command -v "${CXX:-c++}" >/dev/null; then
    for standard in c++11 c++17 c++20; do
        compiles "${CXX:-c++}" "$standard" use.cc
    done
else
    skip_part "no C++ compiler"
fi
! "${CC:-cc}" -I"$INCLUDE" -c -o "$SCRATCH/use.o" -x c - <<<'#include <mapshare.h>
int size = sizeof(struct mapshare);' 2>/dev/null || fail "struct mapshare is not opaque"
