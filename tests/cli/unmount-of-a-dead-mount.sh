#!/usr/bin/env bash
# A mount whose daemon was killed is unmounted, and the user is told that the store needs recovery.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr
scratch
start_mount

echo text >"$MOUNT/file"
mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
# shellcheck disable=SC2046
kill_all $(daemon_pids)
for command in stat dirty map sync; do
    refused 1 "$MOUNT/file: " mapshare "$command" "$MOUNT/file"
done
refused 1 "$MOUNT: " mapshare metrics "$MOUNT"
refused 1 "its daemon had died; run 'mapshare recover $STORE'" mapshare unmount "$MOUNT"
is_mounted "$MOUNT" && fail "still mounted"
mapshare recover "$STORE" >"$SCRATCH/report" || fail "recover fails"
[ "$(cat "$STORE/file")" = text ] || fail "the commit is not in the store"
