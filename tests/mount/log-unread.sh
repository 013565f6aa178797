#!/usr/bin/env bash
# In the foreground, a standard error that is full, whose reader went away, or that was closed from the start, stops neither the keeper nor
# a worker, and no line goes into a file of the store.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch

replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}

begin() { # the rest of a foreground mount's start: its standard error is the caller's choice
    kill_later "$!"
    USED_MOUNTS+=("$MOUNT")
    wait_until 20 is_mounted "$MOUNT" || fail "not mounted"
    KEEPER=$(stats_value keeper_pid)
    USED_KEEPERS+=("$KEEPER")
}

survive() { # HOW
    local worker
    for _ in 1 2 3; do
        worker=$(stats_value worker_pid)
        kill -9 "$worker"
        wait_until 20 replaced "$worker" || fail "$1: no next worker"
    done
    echo "$1" >"$MOUNT/$2"
    sync "$MOUNT/$2"
    [ "$(stats_value keeper_pid)" = "$KEEPER" ] || fail "$1: another keeper"
    stop_mount
    [ "$(cat "$STORE/$2")" = "$1" ] || fail "$1: the store has: $(cat "$STORE/$2")"
    [ "$(find "$STORE" -path "$STORE/.mapshare" -prune -o -type f -print | xargs grep -l 'mapsharefs: ' | wc -l)" = 0 ] ||
        fail "$1: a message is in a file of the store"
}

options=$DEFAULT_OPTIONS,max_restarts=1000,fault=write/files/EIO/1/1
"$MAPSHAREFS" -f -o "$options" "$STORE" "$MOUNT" 2> >(exec sleep 0) </dev/null &
begin
survive 'the reader is gone' gone

mkfifo "$SCRATCH/pipe"
exec 8<>"$SCRATCH/pipe"
"$MAPSHAREFS" -f -o "$options" "$STORE" "$MOUNT" 2>"$SCRATCH/pipe" 8<&- </dev/null &
begin
python3 -c '
import os, sys
pipe = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
for size in 4096, 1:
    try:
        while True: os.write(pipe, b"x" * size)
    except BlockingIOError: pass' "$SCRATCH/pipe"
survive 'the pipe is full' full
exec 8<&-

"$MAPSHAREFS" -f -o "$options" "$STORE" "$MOUNT" 0<&- 1>&- 2>&- &
begin
survive 'it was closed' closed
