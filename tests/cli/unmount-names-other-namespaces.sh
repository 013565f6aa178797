#!/usr/bin/env bash
# A process with a copy of the mount in another mount namespace is named at once; unmount waits for its end, or until its time is over.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr unshare
scratch
start_mount
unshare -m --propagation private sleep 1000 &
kill_later $!
copy=$!
has_copy() { [ "$(cat "/proc/$copy/comm")" = sleep ]; }
wait_until 20 has_copy || fail "there is no other namespace"

status=0
mapshare unmount --timeout 1 "$MOUNT" 2>"$SCRATCH/said" || status=$?
[ "$status" = 1 ] || fail "status $status while there is a copy"
grep -qF "$MOUNT: unmounted here, but process $copy (sleep) has it in another mount namespace" "$SCRATCH/said" || fail "it says $(cat "$SCRATCH/said")"
grep -q 'is still writing to' "$SCRATCH/said" || fail "at the end it says $(cat "$SCRATCH/said")"
nsenter -t "$copy" -m umount -i "$MOUNT" || fail "what the message tells to do fails"
wait_gone 30 "$KEEPER" || fail "the daemon does not leave"

start_mount
mapshare unmount --timeout 60 "$MOUNT" 2>"$SCRATCH/said" || fail "unmount fails without a copy"
[ ! -s "$SCRATCH/said" ] || fail "without a copy it says $(cat "$SCRATCH/said")"
