#!/usr/bin/env bash
# After a crash of the daemon the database and the file beside it are as the last commit left both.
. "$(dirname "$0")/common.sh"
SOURCE=$(realpath "$(dirname "$0")/../lmdb-commit.c")
INCLUDE=$(realpath "$(dirname "$0")/../../include")
# shellcheck disable=SC2086
${CC:-cc} -x c -fsyntax-only - <<<'#include <lmdb.h>' 2>/dev/null || skip "needs the header of LMDB"

keep() {
    timeout 60 "$SCRATCH/lmdb-commit" "$@"
}

on_plain_folder() {
    local status=0
    keep 2>said || status=$?
    same "status of wrong use" 2 "$status"
    mkdir kept
    keep kept text 2>said || status=$?
    same "status off the mount" 3 "$status"
}

on_mount() {
    mkdir kept
    same "two texts" $'one\ntwo' "$(keep kept one two)"
    keep kept "$(head -c 10000 /dev/zero | tr '\0' x)" >/dev/null
    keep kept last >"$SCRATCH/before"
    printf lost >>kept/texts # after the last commit
}

after_crash() {
    keep kept >"$SCRATCH/after"
    cmp "$SCRATCH/before" "$SCRATCH/after" || fail "it is not as the last commit left it: $(cut -c 1-20 "$SCRATCH/after")"
    ! grep -q lost kept/texts || fail "the file has what was not committed"
}

BUILD_FOLDER=$(realpath "$BUILD_FOLDER")
scratch
# shellcheck disable=SC2086
${CC:-cc} -D_GNU_SOURCE -Wall -Wextra -Werror ${SANITIZERS:+-fsanitize=${SANITIZERS// /,}} -I"$INCLUDE" -o "$SCRATCH/lmdb-commit" "$SOURCE" \
    -L"$BUILD_FOLDER/.libs" -lmapshare -llmdb
run_in "$PLAIN" on_plain_folder
start_mount # skips where there is no /dev/fuse
run_in "$MOUNT" on_mount
kill_daemon
start_mount
run_in "$MOUNT" after_crash
stop_mount
