#!/usr/bin/env bash
# The keeper dies, alone and with others, under a program that maps, writes and syncs: its stand-by keeps the mount, clients see nothing, and the
# store is complete in the end. Only the death of all at once ends a mount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_deaths
expect_log 'the keeper was ended; its stand-by keeps the mount from now on'

another() { # KEY NUMBER: the key has another number than this, and not 0
    local now
    now=$(stats_value "$1")
    [ -n "$now" ] && [ "$now" != 0 ] && [ "$now" != "$2" ]
}

next() { # KEY NUMBER
    wait_until 30 another "$1" "$2" || fail "no other $1 than $2"
}

killed_with() { # KEY...: the keeper and these, at once
    local keeper standby pids=() key
    keeper=$(stats_value keeper_pid) standby=$(stats_value standby_pid)
    for key in keeper_pid "$@"; do pids+=("$(stats_value "$key")"); done
    kill -9 "${pids[@]}"
    wait_gone 30 "$keeper" || fail "keeper $keeper stays"
    next keeper_pid "$keeper"
    [ "$(stats_value keeper_pid)" = "$standby" ] || fail "the keeper is not who stood by"
    next standby_pid "$standby"
    USED_KEEPERS+=("$standby")
}

start_mount cache_size=16M,journal_size=4M,commit_interval=1,max_restarts=1000
wait_until 30 another standby_pid none || fail "nobody stands by"
mkdir "$MOUNT/atomic"
start_operations one atomic/two

keeper=$(stats_value keeper_pid) standby=$(stats_value standby_pid)
kill -9 "$standby"
next standby_pid "$standby"
standby=$(stats_value standby_pid)
kill -STOP "$standby" # as good as dead
next standby_pid "$standby"
[ "$(stats_value keeper_pid)" = "$keeper" ] || fail "another keeper, though only its stand-by was hurt"

killed_with
killed_with worker_pid
killed_with probe_pid
killed_with worker_pid probe_pid
worker=$(stats_value worker_pid)
kill -9 "$worker"
next worker_pid "$worker"
[ "$(stats_value keeper_restarts)" = 4 ] || fail "$(stats_value keeper_restarts) deaths of keepers are told, not 4"
[ "$(stats_value worker_pid)" != "$(stats_value keeper_pid)" ] || fail "one process is two"
end_operations

KEEPER=$(stats_value keeper_pid)
[ "$(children_of "$KEEPER" | wc -l)" = 3 ] || fail "the keeper has the children $(children_of "$KEEPER")"
"$MAPSHARE" unmount "$MOUNT" || fail "mapshare unmount ended with $?"
process_gone "$KEEPER" || fail "the last keeper stays"
compare_operations

# Keeper and stand-by at once: the worker goes on, and says that nobody comes after it.
expect_log 'the keeper and its stand-by were ended, and there can be no next worker'
start_mount
wait_until 30 another standby_pid none || fail "nobody stands by"
standby=$(stats_value standby_pid)
kill -STOP "$KEEPER"
kill -9 "$standby" "$KEEPER"
echo orphaned >"$MOUNT/orphaned"
wait_until 60 grep -q 'there can be no next worker' "$SCRATCH/daemon.log" || fail "it does not say that the keeper is gone"
"$MAPSHARE" unmount "$MOUNT" || fail "without a keeper, mapshare unmount ended with $?"
[ "$(cat "$STORE/orphaned")" = orphaned ] || fail "without a keeper, the store is not complete"

# Killed whole: what was committed is there at the next mount, and nobody of the old processes is.
start_mount
echo kept >"$MOUNT/kept"
sync "$MOUNT/kept"
wait_until 30 another standby_pid none || fail "nobody stands by"
kill_daemon
start_mount
[ "$(cat "$MOUNT/kept")" = kept ] || fail "what was committed is not there"
kill -TERM "$(stats_value keeper_pid)"
wait_gone 30 "$KEEPER" || fail "TERM does not end the mount"
