#!/usr/bin/env bash
# When the daemon could not commit the last changes, unmount says so instead of success; the next one has nothing to say.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'cannot be committed: Input/output error' 'changes could not be committed at unmount: Input/output error' \
    'the journal cannot be sealed \(Input/output error\)'
start_mount commit_interval=1000,fault=write/journal/EIO/3 # the first two are the superblocks

echo "never committed" >"$MOUNT/file"
refused 1 "changes could not be committed and are lost: Input/output error" mapshare unmount "$MOUNT"
is_mounted "$MOUNT" && fail "still mounted"
start_mount
echo "committed" >"$MOUNT/file"
mapshare unmount "$MOUNT" || fail "what was lost before is told again"
[ "$(cat "$STORE/file")" = committed ] || fail "the store has \"$(cat "$STORE/file")\""
