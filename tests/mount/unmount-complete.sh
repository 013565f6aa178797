#!/usr/bin/env bash
# mapshare unmount returns when the store is complete, refuses a busy mount; SIGTERM to the keeper unmounts too.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr
scratch
complete() {
    # From here on nothing may be waited for.
    cmp "$PLAIN/big" "$STORE/big" || fail "$1: the store is not complete"
    process_gone "$KEEPER" || fail "$1: the keeper is still there"
    ! is_mounted "$MOUNT" || fail "$1: still mounted"
}
dd if=/dev/urandom of="$PLAIN/big" bs=1M count=40 status=none
start_mount
cp "$PLAIN/big" "$MOUNT/big"
timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "mapshare unmount: $?"
complete "mapshare unmount"

dd if=/dev/urandom of="$PLAIN/big" bs=1M count=40 status=none
start_mount
cp "$PLAIN/big" "$MOUNT/big"
exec 7<"$MOUNT/big"
message=$(timeout 60 "$MAPSHARE" unmount "$MOUNT" 2>&1) && fail "a busy mount was unmounted"
grep -qi busy <<<"$message" || fail "busy, but the message is '$message'"
cmp "$PLAIN/big" "$MOUNT/big" || fail "the mount is harmed by a refused unmount"
exec 7<&-
kill -TERM "$KEEPER"
wait_gone 60 "$KEEPER" || fail "SIGTERM: the keeper stays"
complete SIGTERM

message=$("$MAPSHARE" unmount "$PLAIN" 2>&1) && fail "unmounted what is no mount"
[ -n "$message" ] || fail "no message for what is no mount"
