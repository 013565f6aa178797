#!/usr/bin/env bash
# What a worker that was killed was still writing to a slow disk ends before its successor writes: a commit that was acknowledged is
# not overwritten by it. Where all processes were killed, the lock of the store is free only when those writes have ended.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr python3 flock
scratch
expect_deaths
expect_log 'waiting for the disk to end what a worker that died was writing'
small_disk "$STORE" 256M
device=$(stat -c %Hd:%Ld "$STORE")

# A group whose writes to that disk are slow. What is in the queue stays slow when its process leaves the group.
GROUP=
for folder in /sys/fs/cgroup/blkio /sys/fs/cgroup; do
    [ -w "$folder/cgroup.procs" ] && mkdir "$folder/mapshare-test-$$" 2>/dev/null || continue
    [ -e "$folder/mapshare-test-$$/blkio.throttle.write_bps_device" ] && limit=blkio.throttle.write_bps_device none=0 bps=
    [ -e "$folder/mapshare-test-$$/io.max" ] && limit=io.max none=wbps=max bps=wbps=
    [ -n "${limit:-}" ] && { GROUP=$folder/mapshare-test-$$; break; }
    rmdir "$folder/mapshare-test-$$"
done
[ -n "$GROUP" ] || skip "no cgroup that can slow a disk down"
leave_group() {
    local pid
    fast
    for pid in $(cat "$GROUP/cgroup.procs"); do echo "$pid" >"$GROUP/../cgroup.procs"; done
    wait_until 10 rmdir "$GROUP"
}
slow() { echo "$device $bps$1" >"$GROUP/$limit"; }
fast() { echo "$device $none" >"$GROUP/$limit"; }
trap 'ended=$?; leave_group || true; clean_up $ended' EXIT

rings_are_busy() { # a ring of the worker has taken more than it has completed
    local fd
    for fd in "/proc/$1/fdinfo"/*; do
        awk '$1 == "SqHead:" { taken = $2 } $1 == "CqTail:" { done = $2 } END { exit !(taken > done) }' "$fd" && return 0
    done
    return 1
}

store_pages() { # FILE BYTE SECONDS: 8 MiB of it, and a commit
    timeout "$3" python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
os.pwrite(fd, sys.argv[2].encode() * (8 << 20), 0)
os.fsync(fd)' "$1" "$2"
}

all_are() { # FILE BYTE
    [ "$(stat -c %s "$1")" = $((8 << 20)) ] && [ -z "$(tr -d "$2" <"$1" | head -c 1)" ]
}

replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }

start_mount max_restarts=1000,commit_interval=600,journal_size=64M,fault=write/files/60000ms # only the journal has the commit
store_pages "$MOUNT/file" a 60 || fail "a commit failed"

# The worker dies in the middle of a slow commit.
slow 65536
worker=$(stats_value worker_pid)
for pid in "$KEEPER" "$worker"; do echo "$pid" >"$GROUP/cgroup.procs"; done
store_pages "$MOUNT/file" b 120 &
client=$!
kill_later "$client"
wait_until 60 rings_are_busy "$worker" || skip "no write of the worker is slow"
for pid in "$KEEPER" "$worker"; do echo "$pid" >"$GROUP/../cgroup.procs"; done
kill -9 "$worker"
wait_gone 10 "$worker"
sleep 1 # an early successor's chance: on the fixed daemon it only makes the test longer
fast
wait "$client" || fail "the commit failed after a death"
wait_until 20 replaced || fail "no next worker"
sync -f "$STORE"
kill_daemon
start_mount journal_size=64M
all_are "$MOUNT/file" b || fail "an acknowledged commit is gone: a dead worker's writes came after it"

# All die.
slow 65536
worker=$(stats_value worker_pid)
for pid in "$KEEPER" "$worker"; do echo "$pid" >"$GROUP/cgroup.procs"; done
store_pages "$MOUNT/file" c 120 2>/dev/null &
client=$!
kill_later "$client"
wait_until 60 rings_are_busy "$worker" || fail "no write of the worker is slow"
kill_daemon
flock -n "$STORE/.mapshare/lock" true && fail "the store is free while a dead daemon's writes are on their way to it"
fast
wait_until 60 flock -n "$STORE/.mapshare/lock" true || fail "the store stays locked"
wait "$client" || true
start_mount
all_are "$MOUNT/file" b || all_are "$MOUNT/file" c || fail "the file is a mixture"
stop_mount
