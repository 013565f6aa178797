#!/usr/bin/env bash
# user.mapshare.atomic: 0 or 1, set by the owner alone, inherited from the folder, kept over a remount, on by mount option.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr setfattr setpriv
scratch
start_mount
as_other() {
    setpriv --reuid=4321 --regid=4321 --clear-groups "$@"
}

echo text >"$MOUNT/file"
[ "$(attribute atomic "$MOUNT/file")" = 0 ] || fail "a new file is atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file"
[ "$(attribute atomic "$MOUNT/file")" = 1 ] || fail "not set"
setfattr -n user.mapshare.atomic -v 0 "$MOUNT/file"
[ "$(attribute atomic "$MOUNT/file")" = 0 ] || fail "not cleared"
for nonsense in 2 -1 '' yes 11; do
    if setfattr -n user.mapshare.atomic -v "$nonsense" "$MOUNT/file" 2>/dev/null; then
        fail "accepted the value '$nonsense'"
    fi
done

chmod 666 "$MOUNT/file"
if as_other setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file" 2>/dev/null; then
    fail "another user made the file atomic"
fi
chown 4321 "$MOUNT/file"
as_other setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file" || fail "the owner may not make it atomic"

mkdir "$MOUNT/folder"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/folder"
echo text >"$MOUNT/folder/inside"
mkdir "$MOUNT/folder/deeper"
echo text >"$MOUNT/folder/deeper/inside"
for name in folder folder/inside folder/deeper folder/deeper/inside; do
    [ "$(attribute atomic "$MOUNT/$name")" = 1 ] || fail "$name did not inherit"
done
stop_mount
start_mount
for name in file folder/inside folder/deeper; do
    [ "$(attribute atomic "$MOUNT/$name")" = 1 ] || fail "$name forgot over a remount"
done
stop_mount
start_mount atomic
echo text >"$MOUNT/by-option"
[ "$(attribute atomic "$MOUNT/by-option")" = 1 ] || fail "the mount option atomic does nothing"
stop_mount
