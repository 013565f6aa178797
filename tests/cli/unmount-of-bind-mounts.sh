#!/usr/bin/env bash
# unmount of a bind mount tells where the store is still mounted; the last one waits for the daemon.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr
scratch
start_mount

mkdir "$MOUNT/folder" "$SCRATCH/whole" "$SCRATCH/part"
mount --bind "$MOUNT" "$SCRATCH/whole" || skip "cannot bind a mount"
USED_MOUNTS+=("$SCRATCH/whole")
mount --bind "$MOUNT/folder" "$SCRATCH/part"
USED_MOUNTS+=("$SCRATCH/part")
echo text >"$SCRATCH/part/file"
refused 1 "$SCRATCH/part: unmounted, but the store is still mounted at $SCRATCH/whole; unmount that too" mapshare unmount "$SCRATCH/part"
refused 1 "$MOUNT: unmounted, but the store is still mounted at $SCRATCH/whole; unmount that too" mapshare unmount "$MOUNT"
process_gone "$KEEPER" && fail "the daemon has left too early"
mapshare unmount "$SCRATCH/whole" || fail "the last unmount"
process_gone "$KEEPER" || fail "the daemon is still there"
[ "$(cat "$STORE/folder/file")" = text ] || fail "the store is not complete"
