#!/usr/bin/env bash
# mapshare_rollback on a mount: what it takes back, what it refuses, stores that race with it, and a client that was killed together with a worker.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_tool
need_program getfattr
scratch
expect_deaths
program=$(helper mount/rollback)
FIRST_STORE=$STORE FIRST_MOUNT=$MOUNT
STORE=$SCRATCH/store2 MOUNT=$SCRATCH/mount2
mkdir "$STORE" "$MOUNT"
start_mount
OTHER_MOUNT=$MOUNT OTHER_KEEPER=$KEEPER
STORE=$FIRST_STORE MOUNT=$FIRST_MOUNT
start_mount commit_interval=3600,noatime # reading marks nothing
"$program" basics "$MOUNT" "$OTHER_MOUNT"
"$program" races "$MOUNT" "$PLAIN"

# The last worker had taken a file back when it died, and the client was killed before the kernel sent its request again: nothing but the mark
# in memory tells the next worker that the kernel has pages of what is gone.
coproc KEPT { exec "$program" kept "$MOUNT/one"; }
kept_pid=$KEPT_PID
kill_later "$kept_pid"
ask_kept() {
    echo >&"${KEPT[1]}"
    read -r count <&"${KEPT[0]}"
}
none_is_kept() {
    ask_kept
    [ "$count" = 0 ]
}
kept_when_opened() {
    cat "$MOUNT/one" >/dev/null
    : <"$MOUNT/one"
    ask_kept
    [ "$count" -gt 0 ]
}
read -r count <&"${KEPT[0]}"
[ "$count" = 64 ] || fail "$count pages are in the kernel before"
worker=$(stats_value worker_pid)
"$(helper mount/damage-arena)" "$KEEPER" stale "$(stat -c %i "$MOUNT/one")"
ask_kept
[ "$count" = 64 ] || fail "$count pages are there before"
kill -9 "$worker"
wait_until 20 none_is_kept || fail "the kernel's pages stay"
wait_until 20 kept_when_opened || fail "each open goes on dropping the pages"
"$MAPSHARE" rollback "$MOUNT/one" >/dev/null
ask_kept
[ "$count" -gt 0 ] || fail "of a file that did not change the kernel's pages are dropped"
exec {KEPT[1]}>&-
wait "$kept_pid"

stop_mount
cmp "$PLAIN/raced" "$STORE/raced" || fail "a store was seen, but not committed"
MOUNT=$OTHER_MOUNT KEEPER=$OTHER_KEEPER
stop_mount

# Neither memory nor the disk has room for what is taken back.
expect_log 'cache_size is used up: pages go to the spill file' 'no room for changed pages' 'stores were dropped, since neither'
STORE=$SCRATCH/store3 MOUNT=$SCRATCH/mount3
mkdir "$STORE" "$MOUNT"
small_disk "$STORE" 40M
start_mount journal_size=4M,cache_size=16M,atomic
"$program" no-room "$MOUNT" 20000
stop_mount
