#!/usr/bin/env bash
# Writes and flushes of the journal fail for a while: each sync says so and keeps its pages; then all is committed, also in the store.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
for fault in write/journal/EIO/10/7 flush/journal/EIO/10/7; do
    scratch
    start_mount "commit_interval=600,fault=$fault"
    timeout 40 "$(helper mount/fault)" "$MOUNT" journal 2>"$SCRATCH/fault.log" || { cat "$SCRATCH/fault.log" >&2; fail "$fault"; }
    echo "$fault: $(cat "$SCRATCH/fault.log")"
    cp "$MOUNT/file" "$PLAIN/file"
    stop_mount
    cmp "$PLAIN/file" "$STORE/file" || fail "$fault: the store lost pages"
    rm -rf "$SCRATCH"
done
