#!/usr/bin/env bash
# Unrelated processes see each other's stores at once, and the store alone holds them after the unmount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
"$(helper mount/share)" "$MOUNT"
cp "$MOUNT/bytes" "$PLAIN/bytes"
stop_mount
cmp "$PLAIN/bytes" "$STORE/bytes" || fail "the store differs from what the mount showed"
for text in 'left by exit' 'left by munmap' 'left by kill' 'by write'; do
    grep -qa "$text" "$STORE/bytes" || fail "'$text' is not in the store"
done
start_mount
cmp "$PLAIN/bytes" "$MOUNT/bytes" || fail "a remount shows other bytes"
stop_mount
