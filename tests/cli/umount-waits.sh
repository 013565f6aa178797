#!/usr/bin/env bash
# umount(8) finds our helper, and so returns when the store is complete; also with -a, and where a bind mount stays. Asked for more, it
# does what the kernel does.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr
scratch
programs=$SCRATCH/programs # over /sbin, in this test's mount namespace
mkdir "$programs"
mount -t tmpfs none "$programs"
USED_LOOPS+=("$programs")
mkdir "$programs/upper" "$programs/work"
mount -t overlay -o "lowerdir=/sbin,upperdir=$programs/upper,workdir=$programs/work" none /sbin 2>/dev/null || skip "nothing can be laid over /sbin"
USED_LOOPS=(/sbin "$programs")
sed "s|/[^ ]*/mapshare |$(realpath "$MAPSHARE") |" "$BUILD_FOLDER/cli/umount.fuse.mapsharefs" >/sbin/umount.fuse.mapsharefs
chmod 755 /sbin/umount.fuse.mapsharefs

slow() { # FILE: a mount with a change that takes the store a while
    start_mount commit_interval=1000,fault=any/files/100ms
    echo "$1" >"$MOUNT/$1"
}
complete() { # FILE
    process_gone "$KEEPER" || fail "$1: umount returned before the daemon had left"
    [ "$(cat "$STORE/$1")" = "$1" ] || fail "$1: the store is not complete"
}

slow plain
umount "$MOUNT"
complete plain

slow all
umount -a -t fuse.mapsharefs
complete all

slow busy
exec 7<"$MOUNT/busy"
if umount "$MOUNT" 2>"$SCRATCH/said"; then fail "a busy mount was unmounted"; fi
grep -q "busy: a program has a file open" "$SCRATCH/said" || fail "of a busy mount umount says $(cat "$SCRATCH/said")"
umount -l "$MOUNT" || fail "umount -l of a busy mount"
is_mounted "$MOUNT" && fail "still mounted after umount -l"
process_gone "$KEEPER" && fail "umount -l ended the mount for who uses it"
exec 7<&-
wait_gone 30 "$KEEPER" || fail "after umount -l the daemon does not leave"

slow bound
mkdir "$SCRATCH/other"
mount --bind "$MOUNT" "$SCRATCH/other"
USED_MOUNTS+=("$SCRATCH/other")
umount "$MOUNT" || fail "umount of one of two"
is_mounted "$SCRATCH/other" || fail "umount of one ended the other"
mapshare unmount "$SCRATCH/other"
complete bound

slow signal
kill -TERM "$KEEPER"
wait_gone 30 "$KEEPER" || fail "the daemon does not leave"
if grep -qF "$MOUNT" /run/mount/utab; then fail "the table of umount has a mount that has ended"; fi
