#!/usr/bin/env bash
# A new store's journal is small, and stays so while little is written; one commit that is larger than it makes it longer first.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
DEFAULT_OPTIONS=cache_size=64M
room=$(stat -f -c '%a * %S / 1048576' "$STORE")
[ $((room)) -ge 1024 ] || skip "less than 1 GiB of free space: the journal may not grow to 64M"
size() { stat -c %s "$STORE/.mapshare/journal"; }

start_mount
[ "$(size)" = $((16 << 20)) ] || fail "a new journal has $(size) bytes"
for i in 1 2 3 4 5 6 7 8; do
    echo "$i" >"$MOUNT/small$i"
    sync "$MOUNT/small$i"
done
[ "$(size)" = $((16 << 20)) ] || fail "after small changes it has $(size) bytes"

seq 4000000 | head -c $((24 << 20)) >"$SCRATCH/data" || true
parts=() # each too small to be journaled ahead
for i in 0 1 2 3 4 5 6 7; do
    part="$MOUNT/part$i"
    parts+=("$part")
    : >"$part"
    sync "$part"
    setfattr -n user.mapshare.atomic -v 1 "$part"
    dd if="$SCRATCH/data" of="$part" bs=1M skip=$((i * 3)) count=3 status=none
done
before=$(stats_value commits)
mapshare sync "${parts[@]}" >/dev/null || fail "a commit of 24 MiB"
[ "$(stats_value commits)" = $((before + 1)) ] || fail "it was $(($(stats_value commits) - before)) commits"
[ "$(size)" -gt $((48 << 20)) ] && [ "$(size)" -le $((64 << 20)) ] || fail "it has $(size) bytes, and 24 MiB are one commit"
kill_daemon
start_mount
cat "${parts[@]}" | cmp - "$SCRATCH/data" || fail "after a crash"
stop_mount
cat "$STORE"/part? | cmp - "$SCRATCH/data" || fail "the store alone"
