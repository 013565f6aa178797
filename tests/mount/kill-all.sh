#!/usr/bin/env bash
# Keeper, worker and probe are killed at random moments under writers; after the next mount every file is exactly one generation,
# not older than the last acknowledged commit, sizes included for atomic files.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
generations=$(helper mount/generations)
# file, pages, mode; the commit timer would rightly commit half a generation of a default file, so it is slow here
files=(small:3: medium:120: large:1500: atomic-small:5:atomic atomic-large:700:atomic)

start_mount commit_interval=600
for file in "${files[@]}"; do
    IFS=: read -r name pages mode <<<"$file"
    truncate -s $((pages * 4096)) "$MOUNT/$name"
    [ -z "$mode" ] || setfattr -n user.mapshare.atomic -v 1 "$MOUNT/$name"
    sync "$MOUNT/$name"
done
sync "$MOUNT"

for round in $(seq "${ROUNDS:-8}"); do
    writers=()
    for file in "${files[@]}"; do
        IFS=: read -r name pages mode <<<"$file"
        # shellcheck disable=SC2086
        "$generations" write "$MOUNT/$name" "$SCRATCH/$name.acknowledged" "$pages" $mode 2>>"$SCRATCH/writers.log" &
        writers+=($!)
    done
    kill_later "${writers[@]}"
    sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
    kill_daemon
    for pid in "${writers[@]}"; do
        wait "$pid" || { cat "$SCRATCH/writers.log" >&2; fail "a writer failed in round $round"; }
    done
    start_mount commit_interval=600
    for file in "${files[@]}"; do
        IFS=: read -r name pages mode <<<"$file"
        # shellcheck disable=SC2086
        "$generations" check "$MOUNT/$name" "$SCRATCH/$name.acknowledged" "$pages" $mode || fail "round $round"
    done
done
stop_mount
for file in "${files[@]}"; do
    IFS=: read -r name pages mode <<<"$file"
    # shellcheck disable=SC2086
    "$generations" check "$STORE/$name" "$SCRATCH/$name.acknowledged" "$pages" $mode || fail "the store alone"
done
