#!/usr/bin/env bash
# T5, T2: after a crash of the whole daemon size and times are those of the last commit; recovery and remounts mark nothing. After the
# worker's death alone nothing changes at all. (ctime over a crash is the store's own: nothing can set it.)
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
expect_deaths
stamp=$(helper times/stamp)
start_mount commit_interval=600
for mode in 0 1; do
    file=file-$mode
    "$stamp" "$MOUNT/$file" size 40960 sync
    setfattr -n user.mapshare.atomic -v "$mode" "$MOUNT/$file"
    before=$("$stamp" "$MOUNT/$file" wait store 3 wait store 3 sync print)
    kill -9 "$(stats_value worker_pid)"
    [ "$("$stamp" "$MOUNT/$file" print)" = "$before" ] || fail "the worker's death changed size or times, atomic $mode"

    # Committed, then changed without a commit, then a crash.
    "$stamp" "$MOUNT/$file" wait store 4 flush store 5
    [ "$mode" = 0 ] || "$stamp" "$MOUNT/$file" size 81920
    [ "$("$stamp" "$MOUNT/$file" print)" != "$before" ] || fail "nothing changed, so the test shows nothing"
    kill_daemon
    start_mount commit_interval=600
    after=$("$stamp" "$MOUNT/$file" print)
    [ "$(cut -d' ' -f1,3 <<<"$after")" = "$(cut -d' ' -f1,3 <<<"$before")" ] ||
        fail "atomic $mode: committed $before, after the crash $after"

    # A time that was set and synced is kept, to the nanosecond, and so is a commit's.
    for set in -86400.000000007 1000000000.123456789 4102444800.000000001; do
        before=$("$stamp" "$MOUNT/$file" wait store 1 set "$set" sync print)
        kill_daemon
        start_mount commit_interval=600
        after=$("$stamp" "$MOUNT/$file" print)
        [ "${before% *}" = "${after% *}" ] || fail "set and synced $before, after the crash $after"
    done
    before=$("$stamp" "$MOUNT/$file" wait store 1 store 9 sync print)
    kill_daemon
    start_mount commit_interval=600
    after=$("$stamp" "$MOUNT/$file" print)
    [ "$(cut -d' ' -f1,3 <<<"$before")" = "$(cut -d' ' -f1,3 <<<"$after")" ] || fail "committed $before, after the crash $after"
    stop_mount
    [ "$(stat -c '%s %.9Y' "$STORE/$file")" = "$(cut -d' ' -f1,3 <<<"$before")" ] || fail "the store has $(stat -c '%s %.9Y' "$STORE/$file")"
    start_mount commit_interval=600
    [ "$("$stamp" "$MOUNT/$file" print | cut -d' ' -f1,3)" = "$(cut -d' ' -f1,3 <<<"$before")" ] || fail "a clean remount changed times"
done
stop_mount
