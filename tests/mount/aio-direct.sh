#!/usr/bin/env bash
# A buffered read after an asynchronous O_DIRECT write sees what was written.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
status=0
"$(helper mount/aio-direct)" "$MOUNT" >"$SCRATCH/said" 2>&1 || status=$?
[ "$status" != 77 ] || skip "$(cat "$SCRATCH/said")"
[ "$status" = 0 ] || { cat "$SCRATCH/said" >&2; fail "old bytes were read"; }
stop_mount
