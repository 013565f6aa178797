#!/usr/bin/env bash
# A recovery writes only to files of the owner that a commit was made for. Who owns a file may change after a commit: the journal is told.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
expect_recovery
expect_log "cannot be written to the store: Input/output error" "the store could not be completed: Input/output error"
start_mount commit_interval=600,fault=sync/files/EIO/1/1000000 # no checkpoint ends, so that the journal keeps its commits
echo committed >"$MOUNT/file"
sync "$MOUNT/file"
chown 65534:65534 "$MOUNT/file"
mkdir "$MOUNT/folder"
mv "$MOUNT/file" "$MOUNT/folder/file"
kill_daemon
: >"$STORE/folder/file"
start_mount
[ "$(cat "$MOUNT/folder/file")" = committed ] || fail "not recovered: '$(cat "$MOUNT/folder/file")'"
[ "$(stat -c %u "$MOUNT/folder/file")" = 65534 ] || fail "owner $(stat -c %u "$MOUNT/folder/file")"
stop_mount
