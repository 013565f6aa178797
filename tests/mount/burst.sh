#!/usr/bin/env bash
# Amid a burst of WRITEs one answer is held and /dev/fuse does not block: the worker may die then, a store to the page whose answer is held
# never waits for the disk, and afterwards the descriptor blocks again.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_deaths

fuse_descriptor() { # of the keeper: the number of /dev/fuse
    local entry
    for entry in /proc/"$KEEPER"/fd/*; do
        [ "$(readlink "$entry")" != /dev/fuse ] || { basename "$entry"; return; }
    done
    fail "the keeper has no /dev/fuse"
}
blocks() {
    local flags
    flags=$(sed -n 's/^flags:\s*//p' "/proc/$KEEPER/fdinfo/$FUSE")
    [ $((flags & 04000)) = 0 ]
}
does_not_block() {
    ! blocks
}

start_mount max_restarts=1000,journal_size=64M
FUSE=$(fuse_descriptor)
blocks || fail "/dev/fuse does not block before any burst"
"$(helper mount/burst)" "$MOUNT" 2 100 0 >"$SCRATCH/load.log" &
load=$!
kill_later "$load"
deaths=0
while [ "$deaths" -lt 8 ] && wait_until 20 does_not_block; do # the middle of a burst
    worker=$(stats_value worker_pid)
    kill -9 "$worker" && deaths=$((deaths + 1))
    sleep 0.2
done
[ "$deaths" = 8 ] || fail "no burst was seen after $deaths deaths of the worker"
kill -TERM "$load"
wait "$load" || fail "a client noticed (after $deaths deaths)"
cat "$SCRATCH/load.log"
wait_until 5 blocks || fail "/dev/fuse does not block after the last burst"
if "$(helper mount/burst)" "$KEEPER" "$FUSE"; then
    worker=$(stats_value worker_pid)
    kill -9 "$worker"
    wait_until 5 blocks || fail "/dev/fuse does not block in the worker that follows one that died in a burst"
else
    skip_part "cannot reach the keeper's descriptor"
fi
cp "$MOUNT"/burst-* "$SCRATCH"
stop_mount
for file in 0 1; do
    cmp "$SCRATCH/burst-$file" "$STORE/burst-$file" || fail "the store lost bytes"
done

echo "with a disk that takes a second for each write of the journal"
start_mount commit_interval=600,journal_size=64M,fault=write/journal/1000ms
"$(helper mount/burst)" "$MOUNT" 1 3 750
stop_mount
