#!/usr/bin/env bash
# A program that knows only pkg-config, or CMake, builds and runs with what make install installs: shared and static.
. "$(dirname "$0")/../lib.sh"
SOURCE=$(realpath "${top_srcdir:-$TEST_FOLDER/..}")
CC=${CC:-cc}
need_program make pkg-config "${CC%% *}"
scratch

if ! make -s -C "$BUILD_FOLDER" DESTDIR="$SCRATCH/root" install-libLTLIBRARIES install-includeHEADERS install-pkgconfigDATA install-cmakeDATA \
    >"$SCRATCH/log" 2>&1; then
    cat "$SCRATCH/log" >&2
    fail "make install fails"
fi
folder=$(dirname "$(find "$SCRATCH/root" -name libmapshare.pc)")
[ -e "$folder/libmapshare.pc" ] || fail "libmapshare.pc is not installed"
[ -e "$(find "$SCRATCH/root" -name mapshare.h)" ] || fail "mapshare.h is not installed"
[ -e "$(find "$SCRATCH/root" -name mapshare-mmap.h)" ] || fail "mapshare-mmap.h is not installed"
[ -e "$(find "$SCRATCH/root" -name mapshare.hpp)" ] || fail "mapshare.hpp is not installed"
[ -z "$(find "$SCRATCH/root" -name 'mapshare-abi.h' -o -name 'libmapshare-all*')" ] || fail "internal files are installed"
export PKG_CONFIG_PATH=$folder PKG_CONFIG_SYSROOT_DIR=$SCRATCH/root
version=$(sed -n 's/^#define MAPSHARE_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$SOURCE/include/mapshare.h" | paste -sd.)
[ "$(pkg-config --modversion libmapshare)" = "$version" ] || fail "pkg-config and the header tell different versions"

sanitizers=${SANITIZERS:+-fsanitize=${SANITIZERS// /,}}
# shellcheck disable=SC2046,SC2086
build() { # OUTPUT [FLAG...]
    $CC -std=gnu17 -Wall -Wextra -Werror $sanitizers $(pkg-config --cflags libmapshare) -o "$SCRATCH/$1" \
        "$SOURCE/examples/shared-counter.c" "${@:2}" || fail "the example does not build: $1"
}

# shellcheck disable=SC2046
build shared $(pkg-config --libs libmapshare)
LD_LIBRARY_PATH=$(dirname "$folder") "$SCRATCH/shared" "$SCRATCH/counter" 3 >"$SCRATCH/said"
[ "$(cat "$SCRATCH/said")" = 3 ] || fail "the example says $(cat "$SCRATCH/said")"
if [ -z "$sanitizers" ] && command -v cmake >/dev/null; then
    mkdir "$SCRATCH/cmake"
    cp "$SOURCE/examples/shared-counter.c" "$SCRATCH/cmake"
    cat >"$SCRATCH/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.18)
project(counter C)
set(CMAKE_C_STANDARD 17)
find_package(mapshare ${version%.*} REQUIRED)
add_executable(counter shared-counter.c)
target_link_libraries(counter mapshare::mapshare)
END
    sed -i "s|^\( *set(prefix \"\)|\1$SCRATCH/root|" "$(dirname "$folder")/cmake/mapshare/mapshare-config.cmake"
    cmake -S "$SCRATCH/cmake" -B "$SCRATCH/cmake/build" -DCMAKE_PREFIX_PATH="$(dirname "$(dirname "$folder")")" >"$SCRATCH/log" 2>&1 &&
        cmake --build "$SCRATCH/cmake/build" >>"$SCRATCH/log" 2>&1 || { cat "$SCRATCH/log" >&2; fail "the example does not build with CMake"; }
    [ "$("$SCRATCH/cmake/build/counter" "$SCRATCH/by-cmake" 2)" = 2 ] || fail "the example that CMake built fails"
else
    skip_part "no cmake, or a sanitizer"
fi
if [ -z "$sanitizers" ] && [ -n "$(find "$SCRATCH/root" -name libmapshare.a)" ]; then
    # shellcheck disable=SC2046
    build static -static $(pkg-config --static --libs libmapshare)
    [ "$("$SCRATCH/static" "$SCRATCH/counter")" = 4 ] || fail "the static example fails"
else
    skip_part "static: not built, or with a sanitizer"
fi
