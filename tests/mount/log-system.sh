#!/usr/bin/env bash
# What a background mount's workers say is in the system's log, the first worker's too; a log that is absent, restarted or slow stops
# nobody; and after any number of deaths each descriptor that the processes share is known.
[ -n "${INSIDE_NAMESPACE:-}" ] || INSIDE_NAMESPACE=1 exec unshare -m --propagation private bash "$0" || exit 77
. "$(dirname "$0")/../lib.sh"
drop_copies
need_mount
need_root
need_program getfattr python3
scratch

# A /dev of our own, with what the daemon needs, so that the machine's own /dev/log is left alone.
mkdir "$SCRATCH/dev"
mount -t tmpfs none "$SCRATCH/dev"
for device in null zero random urandom fuse; do
    touch "$SCRATCH/dev/$device"
    mount --bind "/dev/$device" "$SCRATCH/dev/$device"
done
ln -s /proc/self/fd "$SCRATCH/dev/fd"
mount --rbind "$SCRATCH/dev" /dev
USED_LOOPS+=(/dev "$SCRATCH/dev")

listen() { # FILE [SMALL]: datagrams to /dev/log go there, one a line, until the reader is killed
    rm -f /dev/log
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
with open(sys.argv[1], "w") as out:
    print("ready", file=out, flush=True)
    while True: print(s.recv(4096).decode(), file=out, flush=True)' "$1" &
    LISTENER=$!
    kill_later "$LISTENER"
    wait_until 10 grep -q ready "$1" || fail "no reader of /dev/log"
}

replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}

die() {
    local worker
    worker=$(stats_value worker_pid)
    kill -9 "$worker"
    wait_until 20 replaced "$worker" || fail "no next worker"
}

listen "$SCRATCH/first"
start_mount_in_background max_restarts=1000,commit_interval=1,fault=write/files/EIO/1/1
first=$(stats_value worker_pid)
echo text >"$MOUNT/file"
sync "$MOUNT/file"
wait_until 20 grep -q "^<28>[A-Z][a-z][a-z] [ 0-3][0-9] [0-9:]* mapsharefs\[$first\]: .*cannot be written" "$SCRATCH/first" ||
    fail "the first worker's warning is not in the system's log: $(cat "$SCRATCH/first")"
die
wait_until 20 grep -q "mapsharefs\[$KEEPER\]: the worker was ended by signal 9" "$SCRATCH/first" || fail "the death is not in the log"

# Restarted: the same socket is connected again.
kill "$LISTENER"
wait_gone 10 "$LISTENER"
die
listen "$SCRATCH/second"
die
wait_until 20 grep -q 'the worker was ended' "$SCRATCH/second" || fail "nothing is in the log that was started again"
grep -q ' lines before this one were dropped' "$SCRATCH/second" || fail "the lines without a reader are not told of"
[ "$(stats_value log_dropped)" -ge 1 ] || fail "log_dropped is $(stats_value log_dropped)"

# A reader that reads nothing: its queue is soon full.
kill -STOP "$LISTENER"
for _ in $(seq 30); do die; done
[ "$(stats_value log_dropped)" -ge 2 ] || fail "a queue of 30 datagrams is not full"
kill -CONT "$LISTENER"

# Shared: what the table in process/daemon.h names, and what this worker has open, which ends with the mount. Sockets: the channel's two
# ends and the log's.
sockets=$(find "/proc/$KEEPER/fd" -lname 'socket:*' | wc -l)
[ "$sockets" = 3 ] || { ls -l "/proc/$KEEPER/fd" >&2; fail "$sockets sockets are open, not 3"; }
stop_mount
