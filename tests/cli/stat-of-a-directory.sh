#!/usr/bin/env bash
# Of a directory, stat tells whether new files become atomic.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr setfattr python3
scratch
expect_deaths
start_mount

mkdir "$MOUNT/folder"
[ "$(mapshare stat --json "$MOUNT/folder" | json_value "o['type'], o['atomic']")" = "directory False" ] || fail "a new directory"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/folder"
[ "$(mapshare stat --json "$MOUNT/folder" | json_value "o['atomic']")" = True ] || fail "an atomic directory"
mapshare stat "$MOUNT/folder" | grep -q '^Atomic  *yes: new files' || fail "plain text: $(mapshare stat "$MOUNT/folder")"
touch "$MOUNT/folder/file"
[ "$(mapshare stat --json "$MOUNT/folder/file" | json_value "o['type'], o['atomic']")" = "file True" ] || fail "a file in it"
[ "$(mapshare stat --json "$MOUNT/folder" | json_value "'latency' in o")" = False ] || fail "a folder has latencies"
mapshare sync "$MOUNT/folder/file" >"$SCRATCH/receipt"
echo text >"$MOUNT/folder/file"
mapshare sync "$MOUNT/folder/file" >"$SCRATCH/receipt"
in_order="c['count'], 0 < c['p50'] <= c['p99'] <= c['p99.9'] <= c['max'] <= c['sum']"
[ "$(mapshare stat --json "$MOUNT" | json_value "[($in_order) for c in [o['latency']['commit']]], o['latency']['stall']['count']")" = "[(2, True)] 0" ] ||
    fail "latencies: $(mapshare stat --json "$MOUNT")"
mapshare stat "$MOUNT" | grep -Eq '^commit     2, p50 [0-9.]+ (us|ms|s), p99 .*, p99.9 .*, max ' || fail "latencies: $(mapshare stat "$MOUNT")"
kill -9 "$(stats_value worker_pid)"
[ "$(mapshare stat --json "$MOUNT" | json_value "o['latency']['commit']['count']")" = 2 ] || fail "a dead worker's latencies are lost"
stop_mount
