#!/usr/bin/env bash
# Where no size is given the journal gets longer under large changes, while workers and whole daemons are killed: every file is exactly one generation, not
# older than the last acknowledged commit. A size that is given makes it that long again.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
expect_deaths
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
generations=$(helper mount/generations)
declare -A atomic=([500]="" [800]=atomic) # of a default file half the journal may be one commit
DEFAULT_OPTIONS=cache_size=64M,commit_interval=600,max_restarts=1000
room=$(stat -f -c '%a * %S / 1048576' "$STORE")
[ $((room)) -ge 1024 ] || skip "less than 1 GiB of free space: the journal may not grow to 64M"

start_mount journal_size=4M
first=$(stats_value journal_size)
stop_mount
start_mount
[ "$(stats_value journal_size)" = "$first" ] || fail "a journal of 4M has $(stats_value journal_size) after a mount"
for pages in 500 800; do
    truncate -s $((pages * 4096)) "$MOUNT/$pages"
    [ $pages = 500 ] || setfattr -n user.mapshare.atomic -v 1 "$MOUNT/$pages"
    sync "$MOUNT/$pages"
done
write_and_kill() {
    local pages writers=()
    for pages in 500 800; do
        # shellcheck disable=SC2086
        "$generations" write "$MOUNT/$pages" "$SCRATCH/$pages.acknowledged" $pages ${atomic[$pages]} 2>>"$SCRATCH/writers.log" &
        writers+=($!)
    done
    kill_later "${writers[@]}"
    for _ in 1 2 3; do
        sleep "0.$((RANDOM % 6))"
        kill -KILL "$(stats_value worker_pid)" || true
    done
    sleep "0.$((RANDOM % 6))"
    kill_daemon
    wait "${writers[@]}" || { cat "$SCRATCH/writers.log" >&2; fail "a writer failed"; }
}
for _ in 1 2 3; do
    write_and_kill
    start_mount
    for pages in 500 800; do
        # shellcheck disable=SC2086
        "$generations" check "$MOUNT/$pages" "$SCRATCH/$pages.acknowledged" $pages ${atomic[$pages]} || fail "after a kill"
    done
done
grown() {
    dd if=/dev/zero of="$MOUNT/large" bs=1M count=24 conv=fsync status=none
    [ "$(stats_value journal_size)" -gt $((3 * first)) ]
}
wait_until 60 grown || fail "the journal has $(stats_value journal_size) bytes, $first at first"
stop_mount
start_mount journal_size=4M
[ "$(stats_value journal_size)" = "$first" ] || fail "journal_size=4M: it has $(stats_value journal_size)"
stop_mount
for pages in 500 800; do
    # shellcheck disable=SC2086
    "$generations" check "$STORE/$pages" "$SCRATCH/$pages.acknowledged" $pages ${atomic[$pages]} || fail "the store alone"
done
