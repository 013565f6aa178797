#!/usr/bin/env bash
# The power is cut under mixed writers while workers are killed: the store's disk, of each kind of file system, records every write and flush; states that a cut may
# leave are made of that, recovered, and have what clients were told.
# STATES: for each file system, however long it takes; else as many as come in SECONDS_LONG. SEED: the same cuts again of what another run wrote.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_root
need_program losetup getfattr mkfs.ext4
scratch
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
disk=$(helper crash/power-disk) clients=$(helper crash/power-clients)
expect_deaths
mkdir "$SCRATCH/memory" "$SCRATCH/disk" "$SCRATCH/cut"
mount -t tmpfs none "$SCRATCH/memory" || skip "cannot mount a tmpfs"
USED_LOOPS=("$SCRATCH/cut" "$STORE" "$SCRATCH/disk" "$SCRATCH/memory")
cd "$SCRATCH/memory"

kill_workers() { # while the clients run
    local kills=0 worker
    while [ "$kills" -lt "${KILLS:-5}" ]; do
        worker=$(stats_value worker_pid)
        if kill -9 "${worker:-0}" 2>/dev/null; then kills=$((kills + 1)); fi
        sleep "0.0$((RANDOM % 9))"
    done
}

record() { # FILE-SYSTEM: what clients and a daemon write to it
    local writers
    rm -f log notes count
    cp --sparse=always "$1" image
    "$disk" serve image log count "$SCRATCH/disk" &
    kill_later $!
    wait_until 20 [ -f "$SCRATCH/disk/disk" ] || fail "no disk"
    mount -o loop "$SCRATCH/disk/disk" "$STORE"
    start_mount journal_size=4M,cache_size=16M,commit_interval=1,max_restarts=1000
    "$clients" run "$MOUNT" notes count &
    writers=$!
    kill_later "$writers"
    kill_workers
    # shellcheck disable=SC2046
    kill -TERM $(children_of "$writers")
    wait "$writers" || fail "$1: a client saw an error"
    # shellcheck disable=SC2046
    kill_all $(daemon_pids)
    umount -l "$MOUNT"
    wait_until 30 umount "$STORE" || fail "$1: the store is still used"
    umount "$SCRATCH/disk"
}

one_cut() { # FILE-SYSTEM EVENTS SEED
    local which="$1 after $2 of $events events, seed $3"
    cp --sparse=always "$1" state
    "$disk" cut state log "$2" "$3"
    mount -o loop state "$SCRATCH/cut" || fail "$which: cannot be mounted"
    [ ! -d "$SCRATCH/cut/.mapshare" ] || # not a store yet
        "$MAPSHARE" recover "$SCRATCH/cut" >said 2>&1 || fail "$which: recover ended with $?: $(cat said)"
    "$clients" check "$SCRATCH/cut" notes "$2" || fail "$which: not what clients were told"
    umount "$SCRATCH/cut"
}

all_states=0
for kind in ext4 xfs btrfs; do
    case $kind in
    ext4) size=64M make=(mkfs.ext4 -q -m 0 -E lazy_itable_init=0) ;;
    xfs) size=320M make=(mkfs.xfs -q) ;;
    btrfs) size=128M make=(mkfs.btrfs -q -M) ;;
    esac
    truncate -s "$size" "$kind"
    if ! "${make[@]}" "$kind" >/dev/null || ! mount -o loop "$kind" "$SCRATCH/cut"; then
        skip_part "cannot make or mount $kind"
        continue
    fi
    umount "$SCRATCH/cut"
    record "$kind"
    end=$((SECONDS + ${SECONDS_LONG:-3})) states=0 events=$(od -An -t u8 count | tr -d ' ')
    until [ "$states" -ge "${STATES:-10}" ] && { [ -n "${STATES:-}" ] || [ "$SECONDS" -ge "$end" ]; }; do
        one_cut "$kind" $(((RANDOM * 32768 + RANDOM) % events + 1)) $((RANDOM * 32768 + RANDOM))
        states=$((states + 1))
    done
    echo "$kind: $events events, $states states"
    all_states=$((all_states + states))
    rm -f "$kind" image log state
done
cd /
USED_LOOPS=("$SCRATCH/memory")
[ "$all_states" -gt 0 ] || skip "no file system to try"
