#!/usr/bin/env bash
# The library's commits on a mount: receipts, waiting, several files at once, over deaths of the worker; and what a crash leaves.
. "$(dirname "$0")/../lib.sh"
scratch
expect_deaths
start_mount atomic,commit_interval=3600
program=$(realpath "$(helper mount/library-commit)")
"$program" basics "$MOUNT"
"$program" pairs "$MOUNT" 2000 &
writer=$!
kill_later "$writer"
while kill -0 "$writer" 2>/dev/null && [ "$(stats_value restarts)" -lt 5 ]; do
    kill -9 "$(stats_value worker_pid)" 2>/dev/null || true
    sleep 0.05
done
wait "$writer" || fail "commits fail when the worker dies"
[ "$(stats_value restarts)" -gt 0 ] || fail "the worker did not die while it was used"
echo "$(stats_value restarts) deaths of the worker"
"$program" equal "$MOUNT"
# A crash in the middle: both files have the same number, whatever it is.
"$program" pairs "$MOUNT" 1000000 >/dev/null 2>&1 &
writer=$!
kill_later "$writer"
sleep 0.3
kill_daemon
kill -9 "$writer" 2>/dev/null || true
wait "$writer" 2>/dev/null || true
start_mount atomic,commit_interval=3600
"$program" equal "$MOUNT"
stop_mount
