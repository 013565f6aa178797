#!/usr/bin/env bash
# Writes of the store's files fail for a while: committed pages are kept as failed, every sync tells, and it heals by itself.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'mapsharefs: file: cannot be written to the store: Input/output error'
start_mount commit_interval=600,fault=write/files/EIO/1/2 # retried with longer and longer waits
timeout 60 "$(helper mount/fault)" "$MOUNT" checkpoint
cp "$MOUNT/file" "$PLAIN/file"
stop_mount
cmp "$PLAIN/file" "$STORE/file" || fail "the store lost pages"
