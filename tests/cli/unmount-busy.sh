#!/usr/bin/env bash
# unmount says when programs still use the mount, and leaves it as it is; a path inside it is refused with the right one.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr
scratch
start_mount

mkdir "$MOUNT/folder"
exec 5>"$MOUNT/folder/file"
refused 1 "$MOUNT: busy" mapshare unmount "$MOUNT"
refused 1 "$MOUNT/folder: not a mount point but inside one; give $MOUNT" mapshare unmount "$MOUNT/folder"
echo works >&5
[ "$(cat "$MOUNT/folder/file")" = works ] || fail "the mount does not work any more"
exec 5>&-
ln -s "$MOUNT" "$SCRATCH/link"
mapshare unmount "$SCRATCH/link/" || fail "unmount through a symbolic link"
is_mounted "$MOUNT" && fail "still mounted"
[ "$(cat "$STORE/folder/file")" = works ] || fail "not in the store"
