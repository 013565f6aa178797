#!/usr/bin/env bash
# Whoever owns a folder above the mount point moves it away and puts a link in its place: the daemon still asks about its own mount, and a
# signal unmounts that, not what the path leads to now. A mount that lies over ours is not unmounted in our stead.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr python3
scratch
expect_log 'another mount lies over it: unmount that first'
mkdir -p "$SCRATCH/users/folder/mnt" "$SCRATCH/victim/mnt"
mount -t tmpfs none "$SCRATCH/victim/mnt"
USED_LOOPS+=("$SCRATCH/victim/mnt")
expect_log "another mount lies over it: unmount that first, then this"
old=$MOUNT
MOUNT=$SCRATCH/users/folder/mnt
start_mount
mv "$SCRATCH/users/folder" "$SCRATCH/users/moved"
ln -s "$SCRATCH/victim" "$SCRATCH/users/folder"
MOUNT=$SCRATCH/users/moved/mnt
USED_MOUNTS+=("$MOUNT")
[ "$(stats_value keeper_pid)" = "$KEEPER" ] || fail "the mount did not move with its folder"

# A store through a mapping stays in the kernel; the probe finds it there.
coproc HOLD { exec python3 -c '
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 4096)
m = mmap.mmap(fd, 4096)
m[0] = 1
print("ready", flush=True)
sys.stdin.read()' "$MOUNT/file"; }
kill_later "$HOLD_PID"
holder=$HOLD_PID
read -r _ <&"${HOLD[0]}"
[ "$(attribute dirty.kernel "$MOUNT/file")" != unknown ] || fail "the probe does not find its mount"
kill "$holder"
wait_gone 10 "$holder"

# Under another mount it is out of reach: nothing is unmounted instead.
mount -t tmpfs over "$MOUNT"
USED_LOOPS+=("$MOUNT")
kill -TERM "$KEEPER"
over_is_there() { [ "$(stat -f -c %T "$MOUNT")" = tmpfs ]; }
sleep 0.3
over_is_there || fail "what lies over it was unmounted"
process_gone "$KEEPER" && fail "the keeper is gone, its mount is not"
umount "$MOUNT"

kill -TERM "$KEEPER"
wait_gone 30 "$KEEPER" || fail "TERM does not unmount"
is_mounted "$MOUNT" && fail "still mounted"
[ "$(stat -f -c %T "$SCRATCH/victim/mnt")" = tmpfs ] || fail "another mount was unmounted"
MOUNT=$old
