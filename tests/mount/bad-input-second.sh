#!/usr/bin/env bash
# A store that another daemon serves is refused with a message; the first mount is unharmed.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
echo text >"$MOUNT/file"
mkdir "$SCRATCH/second"
status=0
message=$(timeout 60 "$MAPSHAREFS" "$STORE" "$SCRATCH/second" 2>&1) || status=$?
[ "$status" != 0 ] || { umount "$SCRATCH/second"; fail "one store was mounted twice"; }
[ "$status" != 124 ] || fail "no answer within 60 s"
grep -qiE 'already|in use|locked|busy' <<<"$message" || fail "the message is '$message'"
! is_mounted "$SCRATCH/second" || fail "left mounted"
status=0
message=$(timeout 60 "$MAPSHAREFS" "$PLAIN" "$MOUNT" 2>&1) || status=$?
if [ "$status" = 0 ]; then
    umount "$MOUNT"
    fail "mounted over a mount that is not empty"
fi
status=0
mkdir "$MOUNT/folder" "$SCRATCH/third"
USED_MOUNTS=("$SCRATCH/third" "$MOUNT")
message=$(timeout 60 "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$MOUNT/folder" "$SCRATCH/third" 2>&1) || status=$?
if [ "$status" = 0 ]; then
    # A store on another mapshare mount is odd but allowed: it must then work.
    echo nested >"$SCRATCH/third/file"
    [ "$(cat "$SCRATCH/third/file")" = nested ] || fail "a nested mount does not work"
    third=$(daemon_pids "$SCRATCH/third")
    if is_root; then umount "$SCRATCH/third"; else fusermount3 -u "$SCRATCH/third"; fi
    # shellcheck disable=SC2086 # each of them has something of the first mount open
    wait_gone 30 $third || fail "the nested daemon stays"
fi
[ "$(cat "$MOUNT/file")" = text ] || fail "the first mount is harmed"
stop_mount

