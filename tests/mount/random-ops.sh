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
start_operations one two atomic/three
while ! process_gone "${OPERATIONS[0]}"; do
    sleep 0.7
    kill -9 "$(stats_value worker_pid)" 2>/dev/null || true
done
end_operations
echo "$(stats_value restarts) deaths of the worker"
stop_mount
compare_operations
