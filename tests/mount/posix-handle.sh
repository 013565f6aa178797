#!/usr/bin/env bash
# name_to_handle_at and open_by_handle_at: files in use, files that the kernel forgot, deleted files, and files of an earlier
# mount that nobody has looked up yet.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
expect_deaths
start_mount
"$(helper mount/posix-handle)" "$MOUNT" take "$SCRATCH/handles"
kill -9 "$(stats_value worker_pid)"
"$(helper mount/posix-handle)" "$MOUNT" use "$SCRATCH/handles" || fail "handles are lost with the worker"
stop_mount
start_mount
"$(helper mount/posix-handle)" "$MOUNT" use "$SCRATCH/handles" || fail "handles of an earlier mount are not found"
stop_mount
