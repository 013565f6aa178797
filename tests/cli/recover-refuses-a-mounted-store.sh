#!/usr/bin/env bash
# recover leaves a mounted store alone and says where it is mounted; a mount given as a store is refused too.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr
scratch
start_mount commit_interval=1000

echo text >"$MOUNT/file"
mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
refused 1 "$STORE: mounted at $MOUNT; unmount it first" mapshare recover "$STORE"
refused 1 "$MOUNT: a mount, not a store; give its store: $STORE" mapshare recover "$MOUNT"
refused 1 "$MOUNT: a mount, not a store; give its store: $STORE" mapshare journal "$MOUNT"
mapshare journal "$STORE" >"$SCRATCH/seen" 2>"$SCRATCH/said" || fail "journal of a mounted store"
grep -q "^mapshare: $STORE: mounted: its daemon may have changed" "$SCRATCH/said" || fail "no hint: $(cat "$SCRATCH/said")"
[ "$(cat "$MOUNT/file")" = text ] || fail "the mount does not work any more"
stop_mount
