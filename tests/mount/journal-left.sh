#!/usr/bin/env bash
# With journal_left a clean unmount makes the journal smaller; after a crash, or without it, it stays as it is. A commit that finds it too small makes it
# longer first.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr setfattr
scratch
DEFAULT_OPTIONS=cache_size=64M
size() { stat -c %s "$STORE/.mapshare/journal"; }

start_mount journal_size=16M
echo one >"$MOUNT/file"
stop_mount
[ "$(size)" = $((16 << 20)) ] || fail "without journal_left it has $(size) bytes"

start_mount journal_left=4M
[ "$(stats_value journal_size)" -gt $((12 << 20)) ] || fail "in use it has $(stats_value journal_size)"
echo two >"$MOUNT/file"
sync "$MOUNT/file"
kill_daemon
[ "$(size)" = $((16 << 20)) ] || fail "after a crash it has $(size) bytes"

start_mount journal_left=4M
[ "$(cat "$MOUNT/file")" = two ] || fail "the commit of before the crash is gone"
stop_mount
[ "$(size)" = $((4 << 20)) ] || fail "with journal_left=4M it has $(size) bytes"
"$MAPSHARE" verify "$STORE" || fail "the store that it left is not sound"
[ "$(cat "$STORE/file")" = two ] || fail "the store has $(cat "$STORE/file")"

start_mount
[ "$(stats_value journal_size)" -lt $((5 << 20)) ] || fail "the next mount has one of $(stats_value journal_size)"
echo three >"$MOUNT/file"
sync "$MOUNT/file"
kill_daemon
start_mount
[ "$(cat "$MOUNT/file")" = three ] || fail "a smaller journal lost a commit"
stop_mount
[ "$(size)" = $((4 << 20)) ] || fail "without journal_left it has $(size) bytes at the end"

start_mount journal_left=4M,journal_max=64M,commit_interval=600
for file in 1 2; do # the second time where the log has gone on for a lap
    touch "$MOUNT/atomic$file"
    setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic$file"
    head -c "$((file * 6))M" /dev/urandom >"$MOUNT/atomic$file"
    sync "$MOUNT/atomic$file" || fail "a commit of $((file * 6)) MiB fails, with a journal of $(stats_value journal_size)"
done
cp "$MOUNT"/atomic? "$PLAIN"
kill_daemon
start_mount
for file in 1 2; do cmp "$PLAIN/atomic$file" "$MOUNT/atomic$file" || fail "a commit for which the journal was made longer is lost"; done
stop_mount
