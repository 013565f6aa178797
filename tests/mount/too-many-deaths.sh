#!/usr/bin/env bash
# After too many deaths of the worker the keeper gives up: it says so, clients get errors instead of waiting, and the next mount has
# every commit.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_deaths
expect_recovery
expect_log 'the worker was ended by signal 9 \(Killed\) too often; giving up'
start_mount max_restarts=3,commit_interval=600
echo committed >"$MOUNT/file"
sync "$MOUNT/file"
exec 7<"$MOUNT/file"
for _ in $(seq 20); do
    process_gone "$KEEPER" && break
    worker=$(stats_value worker_pid 2>/dev/null) || break
    [ -z "$worker" ] || kill -9 "$worker" 2>/dev/null || true
    sleep 0.1
done
wait_gone 20 "$KEEPER" || fail "the keeper does not give up"
if timeout -k 1 10 cat "$MOUNT/file" 2>/dev/null | grep -q committed && is_mounted "$MOUNT"; then
    fail "a mount without a keeper still answers"
fi
status=0
timeout -k 1 10 cat <&7 >/dev/null 2>&1 || status=$?
[ "$status" -lt 124 ] || fail "a client waits for ever"
exec 7<&-
if is_mounted "$MOUNT"; then umount -l "$MOUNT" 2>/dev/null || fusermount3 -uz "$MOUNT"; fi
start_mount
[ "$(cat "$MOUNT/file")" = committed ] || fail "a commit is lost"
stop_mount
