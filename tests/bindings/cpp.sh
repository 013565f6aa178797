#!/usr/bin/env bash
# mapshare.hpp in C++17 and C++20, without a warning, off the mount and on it.
. "$(dirname "$0")/../lib.sh"
SOURCE=$(realpath "${top_srcdir:-$TEST_FOLDER/..}")
BUILD_FOLDER=$(realpath "$BUILD_FOLDER")
CXX=${CXX:-c++}
need_program "$CXX"
scratch

sanitizers=${SANITIZERS:+-fsanitize=${SANITIZERS// /,}}
standards=(17 20)
[ -z "$sanitizers" ] || standards=(20) # one is enough, and slow
for standard in "${standards[@]}"; do
    # shellcheck disable=SC2086
    "$CXX" -std=c++$standard -O1 -Wall -Wextra -Wpedantic -Wshadow -Werror $sanitizers -I"$SOURCE/include" -o "$SCRATCH/cpp$standard" \
        "$SOURCE/tests/bindings/cpp.cpp" -L"$BUILD_FOLDER/.libs" -lmapshare -pthread || fail "it does not compile as C++$standard"
done

run_in() { # FOLDER KIND
    for standard in "${standards[@]}"; do
        mkdir "$1/$standard"
        (cd "$1/$standard" && timeout 300 "$SCRATCH/cpp$standard" "$2")
    done
}
run_in "$PLAIN" plain
start_mount # skips where there is no /dev/fuse
run_in "$MOUNT" mount
stop_mount
