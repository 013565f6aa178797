#!/usr/bin/env bash
# A worker that dies too often is not started again: clients get errors instead of waiting, and never see the bare mount point; what was received is
# committed; revive serves the mount again, stores in open mappings included. Without that, unmounting completes the store.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
expect_deaths
expect_log 'the worker was ended by signal 9 \(Killed\) too often and is not started again' 'what was received is committed, but for atomic files' \
    'a worker is started again' 'the program was replaced: mapsharefs '

mapped='
import mmap, sys, os
with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 4096)
    memory[0:6] = b"mapped"
    print("stored", flush=True)
    sys.stdin.readline()
    memory.flush()
    print("synced", flush=True)
    sys.stdin.readline()
'

is_refused() { # a client's error, in time
    local status=0
    said=$(timeout -k 1 10 cat "$MOUNT/file" 2>&1) || status=$?
    [ "$status" = 1 ] && grep -q 'Input/output error' <<<"$said"
}

kill_too_often() {
    local worker
    for _ in 1 2 3 4; do
        worker=$(stats_value worker_pid)
        kill -9 "$worker"
        wait_gone 20 "$worker" || fail "worker $worker stays"
        if [ "$_" != 4 ]; then wait_until 20 another_worker "$worker" || fail "no next worker"; fi
    done
    wait_until 20 is_refused || fail "clients are not refused: $said"
}
another_worker() { [ "$(stats_value worker_pid)" != "$1" ]; }

committed() { grep -q 'what was received is committed' <(tail -n +"$1" "$SCRATCH/daemon.log"); }

start_mount max_restarts=3,commit_interval=600
echo committed >"$MOUNT/file"
sync "$MOUNT/file"
echo received >"$MOUNT/received"
echo pages >"$MOUNT/mapped"
sync "$MOUNT/mapped"
truncate -s 4096 "$MOUNT/mapped"
coproc python3 -c "$mapped" "$MOUNT/mapped"
kill_later "$COPROC_PID"
read -r -t 20 <&"${COPROC[0]}"
exec 7<"$MOUNT/file"

kill_too_often
is_mounted "$MOUNT" || fail "the bare mount point is seen"
wait_until 20 committed 1 || fail "what was received is not committed"
"$MAPSHARE" journal "$STORE" | grep -q . || fail "the journal cannot be listed"

"$MAPSHARE" revive "$MOUNT" || fail "revive ended with $?"
[ "$(cat "$MOUNT/file")" = committed ] || fail "revived: a commit is lost"
[ "$(cat "$MOUNT/received")" = received ] || fail "revived: what was received is lost"
[ "$(cat <&7)" = committed ] || fail "revived: an open file cannot be read"
echo >&"${COPROC[1]}"
read -r -t 20 said <&"${COPROC[0]}" || fail "revived: msync does not return"
[ "$said" = synced ] || fail "revived: msync: $said"
[ "$(head -c 6 "$MOUNT/mapped")" = mapped ] || fail "revived: a store is lost"
echo >&"${COPROC[1]}"
"$MAPSHARE" revive "$MOUNT" || fail "revive of a mount that is served ended with $?"

# A new program serves, too: the one on disk may be the mended one.
lines=$(wc -l <"$SCRATCH/daemon.log")
kill_too_often
wait_until 20 committed "$((lines + 1))" || fail "the second time nothing is committed"
"$MAPSHARE" upgrade "$MOUNT" || fail "upgrade ended with $?"
[ "$(cat "$MOUNT/file")" = committed ] || fail "a new program does not serve"

# It is unmounted while nobody serves: the store is complete.
echo last >"$MOUNT/received"
lines=$(wc -l <"$SCRATCH/daemon.log")
kill_too_often
exec 7<&-
kill -TERM "$KEEPER"
wait_gone 30 "$KEEPER" || fail "TERM does not end the mount"
is_mounted "$MOUNT" && fail "TERM: still mounted"
[ "$(cat "$STORE/file")" = committed ] && [ "$(cat "$STORE/received")" = last ] || fail "TERM: the store is not complete"
[ "$("$MAPSHARE" journal "$STORE")" = "0 records, 0 commits" ] || fail "TERM: commits are left in the journal"

start_mount max_restarts=3,commit_interval=600
echo later >"$MOUNT/received"
kill_too_often
"$MAPSHARE" unmount "$MOUNT" || fail "unmount ended with $?"
is_mounted "$MOUNT" && fail "unmount: still mounted"
[ "$(cat "$STORE/received")" = later ] || fail "unmount: the store is not complete"
wait_gone 30 "$KEEPER" || fail "unmount: the keeper stays"

# Each worker dies of the same commit, the last one, too: the pages are saved beside the journal.
expect_log 'what was received could not be committed: the last worker was ended by signal 9' \
    'pages that no commit has are in .*/saved-[0-9]+, by inode number' 'the worker was ended by signal 9 .*; giving up: what was committed'
start_mount max_restarts=3,commit_interval=600,fault=flush/journal/death/3
echo saved >"$MOUNT/unlucky"
number=$(stat -c %i "$MOUNT/unlucky")
! timeout -k 1 60 sync "$MOUNT/unlucky" 2>"$SCRATCH/said" || fail "a commit of which workers die succeeds"
grep -q 'Input/output error' "$SCRATCH/said" || fail "sync says $(cat "$SCRATCH/said")"
saved() { grep -q 'pages that no commit has are in' "$SCRATCH/daemon.log"; }
wait_until 30 saved || fail "nothing is saved"
[ "$(head -c 5 "$STORE"/.mapshare/saved-*/"$number")" = saved ] || fail "the page is not among those saved"
"$MAPSHARE" revive "$MOUNT" || fail "revive ended with $?, though nobody asks for that commit any more"
[ "$(cat "$MOUNT/unlucky")" = saved ] || fail "revived: what could not be committed is lost"
kill -TERM "$KEEPER"
wait_gone 60 "$KEEPER" || fail "TERM does not end the mount"
expect_recovery
start_mount
[ "$(cat "$MOUNT/file")" = committed ] || fail "a commit is lost"
stop_mount
