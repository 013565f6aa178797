#!/usr/bin/env bash
# With -d the daemon stays in the foreground and says which requests come and what is committed.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_traced_mount
echo text >"$MOUNT/file"
sync "$MOUNT/file"
grep -q '^mapsharefs: request [0-9]* of node 1, ' "$SCRATCH/trace" || fail "no request is told"
grep -q '^mapsharefs: commit 1 of 1 files, 1 pages: durable$' "$SCRATCH/trace" || fail "no commit is told: $(tail -n 3 "$SCRATCH/trace")"
stop_mount
