#!/usr/bin/env bash
# When unmount returns, the daemon has left, its lock is free, the journal is empty and the store alone holds every byte.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr flock
scratch
for _ in 1 2 3; do
    start_mount commit_interval=1000
    head -c 40000000 /dev/urandom >"$PLAIN/file"
    cp "$PLAIN/file" "$MOUNT/file"
    mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
    head -c 5000000 /dev/urandom | dd of="$MOUNT/file" bs=1M seek=7 conv=notrunc status=none
    cp "$MOUNT/file" "$PLAIN/file"
    mapshare unmount "$MOUNT" || fail "unmount fails"
    process_gone "$KEEPER" || fail "the daemon is still there"
    flock --nonblock "$STORE/.mapshare/lock" true || fail "the store's lock is still held"
    cmp "$PLAIN/file" "$STORE/file" || fail "the store is not complete"
    is_mounted "$MOUNT" && fail "still mounted"
    [ "$(mapshare journal "$STORE")" = "0 records, 0 commits" ] || fail "the journal is not empty: $(mapshare journal "$STORE")"
    refused 1 "$MOUNT: nothing is mounted there" mapshare unmount "$MOUNT"
    rm "$STORE/file"
done
