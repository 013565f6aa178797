#!/usr/bin/env bash
# mapshare.hpp in C++17 and C++20, without a warning, off the mount and on it.
. "$(dirname "$0")/../lib.sh"
SOURCE=$(realpath "${top_srcdir:-$TEST_FOLDER/..}")
BUILD_FOLDER=$(realpath "$BUILD_FOLDER")
CXX=${CXX:-c++}
need_program "$CXX"
scratch

sanitizers=${SANITIZERS:+-fsanitize=${SANITIZERS// /,}}
for standard in 17 20; do
    # shellcheck disable=SC2086
    "$CXX" -std=c++$standard -O1 -g -Wall -Wextra -Wpedantic -Wshadow -Werror $sanitizers -I"$SOURCE/include" -o "$SCRATCH/cpp$standard" \
        "$SOURCE/tests/bindings/cpp.cpp" -L"$BUILD_FOLDER/.libs" -lmapshare -pthread || fail "it does not compile as C++$standard"
done

for standard in 17 20; do
    mkdir "$PLAIN/$standard"
    (cd "$PLAIN/$standard" && timeout 60 "$SCRATCH/cpp$standard" plain)
done
start_mount # skips where there is no /dev/fuse
for standard in 17 20; do
    mkdir "$MOUNT/$standard"
    (cd "$MOUNT/$standard" && timeout 60 "$SCRATCH/cpp$standard" mount)
done
stop_mount
