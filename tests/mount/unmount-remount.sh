#!/usr/bin/env bash
# A mount right after umount waits for the old daemon, and finds everything; five times with data still to be written.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
for turn in 1 2 3 4 5; do
    start_mount
    [ "$turn" = 1 ] || cmp "$PLAIN/data" "$MOUNT/data" || fail "turn $turn: bytes are lost"
    dd if=/dev/urandom of="$PLAIN/data" bs=1M count=20 status=none
    cp "$PLAIN/data" "$MOUNT/data"
    if is_root; then umount "$MOUNT"; else fusermount3 -u "$MOUNT"; fi
done
start_mount
cmp "$PLAIN/data" "$MOUNT/data"
stop_mount
cmp "$PLAIN/data" "$STORE/data"
