#!/usr/bin/env bash
# statfs tells the store's space, and df follows a file that grows.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
for what in %S %b %l; do
    [ "$(stat -f -c "$what" "$STORE")" = "$(stat -f -c "$what" "$MOUNT")" ] ||
        fail "statfs $what: store $(stat -f -c "$what" "$STORE"), mount $(stat -f -c "$what" "$MOUNT")"
done
stop_mount

if is_root; then
    small_disk "$STORE" 64M
    start_mount
    before=$(stat -f -c %a "$MOUNT")
    fallocate -l 20M "$MOUNT/big"
    after=$(stat -f -c %a "$MOUNT")
    used=$(((before - after) * $(stat -f -c %S "$MOUNT") / 1048576))
    [ "$used" -ge 19 ] && [ "$used" -le 21 ] || fail "20 MiB allocated, statfs says $used"
    [ "$(du -m "$MOUNT/big" | cut -f1)" -ge 20 ] || fail "du says $(du -m "$MOUNT/big")"
    stop_mount
else
    skip_part "a small disk needs root"
fi
