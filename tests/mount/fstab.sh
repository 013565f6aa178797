#!/usr/bin/env bash
# mount -t fuse.mapsharefs, a line of fstab and mount -o remount work, with the options that mount adds of its own.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr mount.fuse3
need_path_of_mount "$0"
scratch
check() { # WHAT
    is_mounted "$MOUNT" || fail "$1: not mounted"
    grep " $(realpath "$MOUNT") " /proc/self/mounts | grep -q fuse.mapsharefs || fail "$1: the type is $(grep " $MOUNT " /proc/self/mounts)"
    KEEPER=$(stats_value keeper_pid)
    USED_KEEPERS+=("$KEEPER")
    echo "$1" >"$MOUNT/file"
    mount -o remount,ro "$MOUNT" || fail "$1: mount -o remount,ro"
    if echo again >"$MOUNT/file"; then fail "$1: not read-only after mount -o remount,ro"; fi 2>/dev/null
    mount -o remount,rw "$MOUNT" || fail "$1: mount -o remount,rw"
    touch "$MOUNT/file" || fail "$1: read-only after mount -o remount,rw"
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
