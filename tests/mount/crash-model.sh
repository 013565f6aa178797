#!/usr/bin/env bash
# Atomic files under random stores, writes, truncates, punches, renames and commits; the whole daemon is killed at random moments; after
# recovery each file is exactly its last commit, or the one under way: no older page comes back, no uncommitted one appears.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
expect_log 'cache_size is used up: pages go to the spill file'
expect_deaths
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
program=$(helper mount/crash-model)
options=atomic,journal_size=4M,cache_size=16M
start_mount $options
files=(one two three)
for file in "${files[@]}"; do
    mkdir "$MOUNT/$file"
    : >"$MOUNT/$file/model-0"
    sync "$MOUNT/$file/model-0"
done
for round in $(seq "${ROUNDS:-12}"); do
    writers=()
    for file in "${files[@]}"; do
        SEED=$((SEED + round * 7 + ${#writers[@]})) "$program" write "$MOUNT/$file" "$SCRATCH/$file.notes" 2>>"$SCRATCH/writers.log" &
        writers+=($!)
    done
    kill_later "${writers[@]}"
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    if [ $((round % 3)) = 0 ]; then # the next worker goes on with the same state
        kill -9 "$(stats_value worker_pid)"
        sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
    fi
    kill_daemon
    for pid in "${writers[@]}"; do
        wait "$pid" || { tail -n 5 "$SCRATCH/writers.log" >&2; fail "a writer failed in round $round"; }
    done
    start_mount $options
    for file in "${files[@]}"; do
        "$program" check "$MOUNT/$file" "$SCRATCH/$file.notes" || fail "round $round, file $file"
    done
done
stop_mount
for file in "${files[@]}"; do
    "$program" check "$STORE/$file" "$SCRATCH/$file.notes" || fail "the store alone, file $file"
done
