#!/usr/bin/env bash
# When the daemon could not write to the store's files, unmount says so instead of success, and recover repairs it.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'cannot be written to the store: Input/output error' 'the store could not be completed: Input/output error'
start_mount commit_interval=1000,fault=write/files/EIO

head -c 100000 /dev/urandom >"$PLAIN/file"
cp "$PLAIN/file" "$MOUNT/file"
mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
refused 1 "commits are still in the journal of $STORE; run 'mapshare recover $STORE'" mapshare unmount "$MOUNT"
is_mounted "$MOUNT" && fail "still mounted"
mapshare recover "$STORE" | grep -q '^replayed 1 commits' || fail "recover"
cmp "$PLAIN/file" "$STORE/file" || fail "the store is not complete"
