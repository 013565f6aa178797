#!/usr/bin/env bash
# mount -t fuse.mapsharefs and a line of fstab work, with the options that mount adds of its own.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr mount.fuse3
[ -e /sbin/mount.fuse ] || [ -e /sbin/mount.fuse3 ] || skip "no /sbin/mount.fuse"
scratch
mkdir "$SCRATCH/bin"
ln -s "$MAPSHAREFS" "$SCRATCH/bin/mapsharefs"
export PATH=$SCRATCH/bin:$PATH
check() {
    is_mounted "$MOUNT" || fail "$1: not mounted"
    grep " $(realpath "$MOUNT") " /proc/self/mounts | grep -q fuse.mapsharefs || fail "$1: the type is $(grep " $MOUNT " /proc/self/mounts)"
    KEEPER=$(stats_value keeper_pid)
    USED_KEEPERS+=("$KEEPER")
    echo "$1" >"$MOUNT/file"
    stop_mount
    [ "$(cat "$STORE/file")" = "$1" ] || fail "$1: the store has $(cat "$STORE/file")"
}
USED_MOUNTS+=("$MOUNT")
mount -t fuse.mapsharefs "$STORE" "$MOUNT" -o "$DEFAULT_OPTIONS" 2>>"$SCRATCH/daemon.log" || fail "mount -t fuse.mapsharefs"
check "by type"
echo "$STORE $MOUNT fuse.mapsharefs $DEFAULT_OPTIONS,allow_other,noauto,nosuid,nodev,noatime 0 0" >"$SCRATCH/fstab"
mount -T "$SCRATCH/fstab" "$MOUNT" 2>>"$SCRATCH/daemon.log" || fail "a line of fstab"
grep " $(realpath "$MOUNT") " /proc/self/mounts | grep -q nosuid || fail "nosuid was lost"
check "by fstab"
