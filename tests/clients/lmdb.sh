#!/usr/bin/env bash
# LMDB: four processes, two of them with a writable map, write and read one environment; all is there, on the mount and in the store.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
# shellcheck disable=SC2086
${CC:-cc} -D_GNU_SOURCE -O2 "$TEST_FOLDER/clients/lmdb.c" -o "$SCRATCH/lmdb" -llmdb 2>"$SCRATCH/compile.log" ||
    skip "cannot compile against liblmdb: $(head -n 1 "$SCRATCH/compile.log")"
start_mount
mkdir "$MOUNT/environment"
timeout 60 "$SCRATCH/lmdb" "$MOUNT/environment" write 4 100
"$SCRATCH/lmdb" "$MOUNT/environment" check 4 100
stop_mount
"$SCRATCH/lmdb" "$STORE/environment" check 4 100 || fail "the store's copy is damaged"
