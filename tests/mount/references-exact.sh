#!/usr/bin/env bash
# The kernel's references to files are exact over deaths: the worker is killed thirty times under clients that list, look up, make and remove while
# the kernel drops its caches; then all is removed, and no record, no open file and no removed file's space is left.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root # drops the kernel's caches
need_program getfattr find
scratch
expect_deaths
start_mount max_restarts=1000,cache_size=32M,threads=8
drop_caches() { echo 2 >/proc/sys/vm/drop_caches; }
for folder in 1 2 3 4; do
    mkdir -p "$MOUNT/kept$folder"
    for i in $(seq 250); do echo "$i" >"$MOUNT/kept$folder/file$i"; done
done
sync "$MOUNT"/kept*/*

running() { [ ! -e "$SCRATCH/stop" ]; }
list() { while running; do ls -lR "$MOUNT"/kept* >"$SCRATCH/listed" || return 1; done; }
look_up() { while running; do find "$MOUNT"/kept* -newer "$STORE" >/dev/null || return 1; done; }
make_and_remove() { # NAME
    local i
    mkdir "$MOUNT/made$1" || return 1
    while running; do
        for i in 1 2 3 4 5 6 7 8; do
            echo "$i" >"$MOUNT/made$1/$i" && ln -s "$i" "$MOUNT/made$1/link$i" && mv "$MOUNT/made$1/$i" "$MOUNT/made$1/moved$i" || return 1
        done
        rm "$MOUNT/made$1"/* || return 1
    done
}
forget() { while running; do drop_caches; sleep 0.05; done; }
clients=()
for client in list look_up "make_and_remove 1" "make_and_remove 2" forget; do
    $client 2>>"$SCRATCH/errors" &
    clients+=($!)
done
kill_later "${clients[@]}"

replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
for death in $(seq 30); do
    worker=$(stats_value worker_pid)
    sleep "0.0$((RANDOM % 10))"
    kill -9 "$worker"
    wait_until 20 replaced "$worker" || fail "no new worker after death $death"
done
touch "$SCRATCH/stop"
for client in "${clients[@]}"; do
    wait "$client" || { cat "$SCRATCH/errors" >&2; fail "a client noticed"; }
done

rm -r "$MOUNT"/*
nothing_is_known() {
    drop_caches
    [ "$(stats_value inodes) $(stats_value files) $(stats_value handles)" = "1 0 0" ]
}
wait_until 30 nothing_is_known ||
    fail "after all was removed: inodes $(stats_value inodes), files $(stats_value files), handles $(stats_value handles)"
removed=$(ls -l "/proc/$(stats_value worker_pid)/fd" | grep -c 'kept.*(deleted)') || true
[ "$removed" = 0 ] || fail "the space of $removed removed files is held"
stop_mount
