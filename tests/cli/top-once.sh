#!/usr/bin/env bash
# top --once prints one sample that agrees with the mount's statistics; without a terminal, top says what to do.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

for round in 1 2 3; do
    echo "$round" >"$MOUNT/file"
    mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
done
mapshare top --once "$MOUNT" >"$SCRATCH/seen"
has() {
    grep -q -e "$1" "$SCRATCH/seen" || fail "no '$1' in: $(cat "$SCRATCH/seen")"
}
has "^commits  *$(stats_value commits), sequence $(stats_value sequence)$"
has "keeper $KEEPER, worker $(stats_value worker_pid), restarts $(stats_value restarts)$"
has "^frames  *total $(stats_value frames_total), received $(stats_value frames_received),"
has "^journal .* of 16.0 MiB used, [0-9]* %$"
[ "$(mapshare top --json "$MOUNT" | json_value "o['commits']")" = "$(stats_value commits)" ] || fail "JSON"
refused 1 "no terminal; use --once" mapshare top "$MOUNT"
refused 1 "not the root of its mount; give $MOUNT" mapshare top --once "$MOUNT/file"
stop_mount
