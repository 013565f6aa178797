#!/usr/bin/env bash
# No command that looks moves a page or marks a time, not even with strictatime.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000,strictatime

file=$MOUNT/file
truncate -s 1M "$file"
mapshare sync "$file" >"$SCRATCH/receipt"
state() {
    stat -c '%x|%y|%z|%s|%b' "$file" "$MOUNT"
    attribute ranges "$file"
    attribute commit "$file"
    stats_value sequence
    stats_value commits
}
look() {
    local option command
    for option in '' --json; do
        for command in stat dirty map; do
            # shellcheck disable=SC2086
            mapshare $command $option "$file" >"$SCRATCH/out" || fail "$command $option fails"
        done
        # shellcheck disable=SC2086
        mapshare metrics $option "$MOUNT" >"$SCRATCH/out" || fail "metrics fails"
        # shellcheck disable=SC2086
        mapshare journal $option "$STORE" >"$SCRATCH/out" 2>"$SCRATCH/said" || fail "journal fails: $(cat "$SCRATCH/said")"
    done
    mapshare top --once "$MOUNT" >"$SCRATCH/out" || fail "top fails"
}

# The kernel may send pages by itself, on a busy machine: that changes something once, looking would do so each time.
for attempt in 1 2 3; do
    hold_stores "$file" 1 2 3
    release_stores
    hold_stores "$file" 10 11 12
    state >"$SCRATCH/before"
    look
    state >"$SCRATCH/after"
    release_stores
    cmp -s "$SCRATCH/before" "$SCRATCH/after" && break
    [ "$attempt" != 3 ] || { diff "$SCRATCH/before" "$SCRATCH/after" >&2; fail "looking changed something"; }
done
stop_mount
