#!/usr/bin/env bash
# A store on a disk without a free block mounts, recovers, serves, and tells how it was left: after a crash, and after a clean unmount. So it is with a
# journal that has become longer while it was used.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_tool
need_program getfattr setfattr
scratch
DEFAULT_OPTIONS=cache_size=64M
expect_log "no spill file: No space left on device; changes are limited to cache_size" "lock cannot be written \(No space left on device\)"
expect_log "cannot change the journal's size \(No space left on device\): it keeps the old one" # it may have been about to be longer
expect_log 'no room is kept for a recovery \(No space left on device\)'
for system in btrfs ext4 xfs; do
    command -v mkfs.$system >/dev/null || { skip_part "no mkfs.$system"; continue; }
    STORE=$SCRATCH/store-$system
    mkdir "$STORE"
    truncate -s 400M "$STORE.image"
    case $system in ext4) mkfs.ext4 -q -m 0 "$STORE.image" ;; xfs) mkfs.xfs -q "$STORE.image" ;; btrfs) mkfs.btrfs -q "$STORE.image" ;; esac
    mount -o loop "$STORE.image" "$STORE" 2>/dev/null || { skip_part "cannot mount $system"; continue; }
    USED_LOOPS+=("$STORE")
    start_mount journal_size=4M
    stop_mount
    start_mount commit_interval=600,journal_max=32M
    head -c 10000000 /dev/urandom >"$PLAIN/file"
    touch "$MOUNT/file"
    setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file"
    cp "$PLAIN/file" "$MOUNT/file"
    sync "$MOUNT/file"
    size=$(stats_value journal_size) # it may grow on
    [ $system != btrfs ] || [ $(($(stat -c '%b * %B' "$STORE/.mapshare/reserve"))) -ge "$size" ] ||
        fail "the room for a recovery did not grow with the journal"
    stored() { [ "$(attribute committed "$MOUNT/file")" = 0 ] && [ "$(attribute writeback "$MOUNT/file")" = 0 ]; }
    wait_until 60 stored || fail "$system: the file is not stored"
    head -c 9000000 /dev/urandom >"$PLAIN/file"
    dd if="$PLAIN/file" of="$MOUNT/file" bs=1M conv=notrunc status=none
    truncate -s 9000000 "$MOUNT/file"
    sync "$MOUNT/file"
    kill_daemon
    fill() {
        dd if=/dev/zero of="$STORE/fill" bs=1M status=none 2>/dev/null || true
        for _ in 1 2 3; do dd if=/dev/zero of="$STORE/fill" bs=4k oflag=append conv=notrunc status=none 2>/dev/null || true; done
        sync -f "$STORE"
    }
    fill
    start_mount
    cmp "$PLAIN/file" "$MOUNT/file" || fail "$system: not recovered"
    if [ $system = btrfs ]; then # nothing is written in place there: what comes next needs room
        rm "$STORE/fill"
        stop_mount
        cmp "$PLAIN/file" "$STORE/file" || fail "$system: the store is not complete"
        umount "$STORE"
        continue
    fi
    timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "$system: unmount of a full disk"
    cmp "$PLAIN/file" "$STORE/file" || fail "$system: the store is not complete"
    fill
    start_mount
    [ "$(head -n 1 "$STORE/.mapshare/lock")" = "$KEEPER $(realpath "$MOUNT")" ] || fail "$system: the lock is not signed"
    echo x | dd of="$MOUNT/file" conv=notrunc status=none
    timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "$system: the second unmount"
    # Without a block for the lock, nothing can be told, but all is served.
    : >"$STORE/.mapshare/lock"
    fill
    start_mount
    cmp <(tail -c +3 "$PLAIN/file") <(tail -c +3 "$MOUNT/file") || fail "$system: not served without a signed lock"
    stop_mount
    umount "$STORE"
done
USED_LOOPS=()
