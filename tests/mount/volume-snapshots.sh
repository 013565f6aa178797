#!/usr/bin/env bash
# The recipes of mapshare(7) for snapshots of the volume below a store in use: each is what a power cut would have left, mounting it recovers it.
. "$(dirname "$0")/../lib.sh"
need_root
need_program losetup fsfreeze
scratch
MAPSHARE=$(find_built mapshare)
expect_recovery
load=$(helper mount/backup-load)

all_told() { # each of the programs has done something
    [ "$(od -An -v -tu8 -w8 -N48 "$SCRATCH/notes" | grep -cv ' 0$')" = 6 ]
}
has_commits() {
    [ "$(stats_value journal_used)" != 0 ]
}

check() { # STORE SNAPSHOT COMMAND...: how the snapshot is made
    local running snapshot=$2
    STORE=$1
    start_mount commit_interval=1
    mkdir "$MOUNT/work"
    "$load" run "$MOUNT/work" "$SCRATCH/notes" &
    running=$!
    kill_later "$running"
    wait_until 100 all_told || fail "the programs do not get on"
    wait_until 30 has_commits || fail "there is nothing to recover"
    cp "$SCRATCH/notes" "$SCRATCH/before"
    "${@:3}" || fail "no snapshot: ${*:3}"
    kill "$running"
    wait "$running" || fail "a program failed over a snapshot"
    stop_mount
    "$MAPSHARE" verify "$snapshot" >"$SCRATCH/said" || fail "the snapshot does not hold: $(cat "$SCRATCH/said")"
    ! grep 'is a copy' "$SCRATCH/said" || fail "a snapshot is taken for a copy"
    STORE=$snapshot
    start_mount
    "$load" check "$MOUNT/work" "$SCRATCH/before" || fail "the snapshot is not of one moment"
    stop_mount
    rm "$SCRATCH/notes"
}

on_disk() { # TYPE: of a disk of its own, at $SCRATCH/TYPE; false where that cannot be
    command -v "mkfs.$1" >/dev/null || { skip_part "no mkfs.$1"; return 1; }
    mkdir "$SCRATCH/$1"
    truncate -s 400M "$SCRATCH/$1.image"
    "mkfs.$1" -q "$SCRATCH/$1.image" >/dev/null
    mount -o loop "$SCRATCH/$1.image" "$SCRATCH/$1" 2>/dev/null || { skip_part "cannot mount $1"; return 1; }
    USED_LOOPS=("$SCRATCH/$1" "${USED_LOOPS[@]}")
}

if command -v btrfs >/dev/null && on_disk btrfs; then
    btrfs -q subvolume create "$SCRATCH/btrfs/store" >/dev/null
    check "$SCRATCH/btrfs/store" "$SCRATCH/btrfs/snapshot" btrfs -q subvolume snapshot "$SCRATCH/btrfs/store" "$SCRATCH/btrfs/snapshot"
fi

# LVM stops the file system for a moment and keeps the blocks that it has then. So does this; LVM itself is not tried.
snapshot_of_disk() {
    fsfreeze -f "$SCRATCH/volume" && cp --reflink=always "$SCRATCH/xfs/disk" "$SCRATCH/xfs/disk.snapshot"
    local status=$?
    fsfreeze -u "$SCRATCH/volume" && [ "$status" = 0 ] && mount -o loop "$SCRATCH/xfs/disk.snapshot" "$SCRATCH/snapshot"
}
if on_disk xfs; then
    mkdir "$SCRATCH/volume" "$SCRATCH/snapshot"
    truncate -s 200M "$SCRATCH/xfs/disk"
    mkfs.ext4 -q "$SCRATCH/xfs/disk"
    mount -o loop "$SCRATCH/xfs/disk" "$SCRATCH/volume"
    USED_LOOPS=("$SCRATCH/snapshot" "$SCRATCH/volume" "${USED_LOOPS[@]}")
    mkdir "$SCRATCH/volume/store"
    check "$SCRATCH/volume/store" "$SCRATCH/snapshot/store" snapshot_of_disk
fi
skip_part "snapshots by LVM itself: a disk's own snapshot stands for them"
