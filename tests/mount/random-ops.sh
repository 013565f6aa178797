#!/usr/bin/env bash
# Random operations on several files at once, each checked against a copy, with a small cache and journal, timer commits and deaths
# of the worker in between; then the store holds exactly what the copies hold.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
expect_log 'cache_size is used up: pages go to the spill file'
expect_deaths
start_mount cache_size=16M,journal_size=4M,commit_interval=1,max_restarts=1000
mkdir "$MOUNT/atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic"
program=$(helper mount/random-ops)
pids=()
for name in one two atomic/three; do
    "$program" "$MOUNT" "$name" "${SECONDS_LONG:-12}" "$PLAIN/$(basename "$name")" 2>"$SCRATCH/$(basename "$name").log" &
    pids+=($!)
done
kill_later "${pids[@]}"
while ! process_gone "${pids[0]}"; do
    sleep 0.7
    kill -9 "$(stats_value worker_pid)" 2>/dev/null || true
done
for pid in "${pids[@]}"; do
    wait "$pid" || { tail -n 40 "$SCRATCH"/{one,two,three}.log >&2; fail "operations went wrong"; }
done
echo "$(stats_value restarts) deaths of the worker"
stop_mount
for name in one two atomic/three; do
    cmp "$PLAIN/$(basename "$name")" "$STORE/$name" || { head -n 1 "$SCRATCH/$(basename "$name").log"; fail "the store's $name differs"; }
done
