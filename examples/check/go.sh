#!/usr/bin/env bash
# Go and C count in one structure at once; no count is lost.
. "$(dirname "$0")/common.sh"
need_program go pkg-config python3
[ -z "${SANITIZERS:-}" ] || skip "go does not link what the library's sanitizers need"
SOURCE=$(realpath "$(dirname "$0")/../go/counter.go")
INCLUDE=$(realpath "$(dirname "$0")/../../include")

build() {
    GOCACHE=$SCRATCH/go GO111MODULE=off PKG_CONFIG_PATH=$BUILD_FOLDER/libmapshare \
        CGO_CFLAGS="-O2 -Wall -Werror -I$INCLUDE" CGO_LDFLAGS="-L$BUILD_FOLDER/.libs" go build -o "$SCRATCH/counter" "$SOURCE"
}

on_any_folder() {
    [ -x "$SCRATCH/counter" ] || build
    counts_with_c Go "$SCRATCH/counter"
}

check_example
