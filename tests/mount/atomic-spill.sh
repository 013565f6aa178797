#!/usr/bin/env bash
# An atomic file whose uncommitted changes outgrow the cache: nothing of them is in the store, they are read right, a crash gives them up,
# and a commit takes them all.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'cache_size is used up: pages go to the spill file'
expect_deaths
options=atomic,cache_size=16M,journal_size=128M,commit_interval=1
dd if=/dev/urandom of="$PLAIN/old" bs=1M count=40 status=none
dd if=/dev/urandom of="$PLAIN/new" bs=1M count=40 status=none
start_mount $options
dd if="$PLAIN/old" of="$MOUNT/file" bs=1M conv=fsync status=none
cmp "$PLAIN/old" "$MOUNT/file" || fail "the first commit is read wrongly"
dd if="$PLAIN/new" of="$MOUNT/file" bs=1M conv=notrunc status=none
cmp "$PLAIN/new" "$MOUNT/file" || fail "uncommitted changes beyond the cache are read wrongly"
kill -9 "$(stats_value worker_pid)"
cmp "$PLAIN/new" "$MOUNT/file" || fail "uncommitted changes beyond the cache are lost with the worker"
kill_daemon
start_mount $options
cmp "$PLAIN/old" "$MOUNT/file" || fail "after the crash the file is not what was committed"
dd if="$PLAIN/new" of="$MOUNT/file" bs=1M conv=notrunc,fsync status=none
spill_is_empty() { [ "$(stats_value frames_spilled_max)" = 0 ]; }
wait_until 60 spill_is_empty || fail "the spill file keeps its blocks though nothing is in it"
kill_daemon
start_mount $options
cmp "$PLAIN/new" "$MOUNT/file" || fail "a large commit did not outlive the crash"
stop_mount
cmp "$PLAIN/new" "$STORE/file" || fail "the store differs"
if [ -n "$(find "$STORE/.mapshare" -type f ! -name journal ! -name lock ! -name key ! -name names -size +0)" ]; then
    fail "left in the private folder: $(find "$STORE/.mapshare" -type f -size +0)"
fi

# A commit that the journal cannot hold is refused in words that a program understands, loses nothing, and does not hang.
rm -rf "$STORE"
mkdir "$STORE"
start_mount atomic,cache_size=16M,journal_size=4M
status=0
timeout -k 1 30 dd if="$PLAIN/new" of="$MOUNT/file" bs=1M conv=fsync status=none 2>"$SCRATCH/message" || status=$?
[ "$status" -lt 124 ] || fail "the commit of 40 MiB hangs with a journal of 4 MiB"
cmp "$PLAIN/new" "$MOUNT/file" || fail "what could not be committed was lost"
[ "$status" = 0 ] || [ -s "$SCRATCH/message" ] || fail "the refusal says nothing"
echo "40 MiB with a journal of 4 MiB: status $status $(cat "$SCRATCH/message")"
stop_mount
