#!/usr/bin/env bash
# A store on FUSE whose server takes its time to write a new journal: the worker that waits for it does not hang.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program bindfs python3
scratch
mkdir "$SCRATCH/below"
bindfs -f --no-allow-other "$SCRATCH/below" "$STORE" &
server=$!
kill_later $server
wait_until 20 is_mounted "$STORE" || fail "no bindfs"
(
    wait_until 20 test -e "$SCRATCH/below/.mapshare/journal.new"
    kill -STOP $server
    [ ! -e "$SCRATCH/below/.mapshare/journal.new" ] || touch "$SCRATCH/stopped"
    timeout -k 1 60 python3 -c 'import time; time.sleep(7)'
    kill -CONT $server
) &
start_mount hang_timeout=4,journal_size=128M
wait $!
[ -e "$SCRATCH/stopped" ] || skip "the journal was made too soon"
stop_mount
umount "$STORE" || fusermount3 -u "$STORE"
