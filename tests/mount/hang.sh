#!/usr/bin/env bash
# A worker that hangs, or was stopped, is replaced, and clients go on; where its threads were is logged. A slow disk is not a hang.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
expect_log 'the worker was stopped for 2 seconds'
expect_log 'the worker has got on with nothing for 2 seconds'
expect_log 'thread [0-9]+ is at'
expect_log 'the worker was ended by signal 9'

start_mount hang_timeout=2
echo before >"$MOUNT/file"
worker=$(stats_value worker_pid)
kill -STOP "$worker"
[ "$(timeout -k 1 60 cat "$MOUNT/file")" = before ] || fail "a stopped worker is not replaced"
process_gone "$worker" || fail "the stopped worker is still there"
worker=$(stats_value worker_pid)
timeout -k 1 60 python3 -c 'import time; time.sleep(5)'
[ "$(stats_value worker_pid)" = "$worker" ] || fail "an idle worker was taken for one that hangs"
stop_mount

start_mount hang_timeout=2,fault=flush/journal/600000ms/4/1 # the fourth flush of each worker never ends
for i in $(seq 20); do
    echo "$i" >"$MOUNT/file"
    timeout -k 1 60 sync "$MOUNT/file" || fail "sync $i did not come back"
    [ "$(stats_value restarts)" = 0 ] || break
done
[ "$(stats_value restarts)" -ge 1 ] || fail "nothing hung"
stop_mount
[ "$(cat "$STORE/file")" = "$i" ] || fail "a commit was lost"
