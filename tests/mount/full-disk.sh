#!/usr/bin/env bash
# A full disk: ENOSPC from every sync before anything is half done, no page lost, and it heals when space is made.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
expect_log 'cannot be committed: No space left on device'
small_disk "$STORE" 80M
start_mount
fallocate -l 4096 "$MOUNT/allocated"
sync "$MOUNT/allocated"
dd if=/dev/zero of="$STORE/filler" bs=1M status=none 2>/dev/null || true
dd if=/dev/zero of="$STORE/filler" bs=4k oflag=append conv=notrunc status=none 2>/dev/null || true
"$(helper mount/full-disk)" "$MOUNT" "rm '$STORE/filler'"
cp "$MOUNT/sparse" "$PLAIN/sparse"
stop_mount
cmp "$PLAIN/sparse" "$STORE/sparse" || fail "the store lost pages"
