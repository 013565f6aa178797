#!/usr/bin/env bash
# At unmount a file of the store cannot be written, for ever: the others' changes are committed and written all the same, and unmount tells
# that not all are.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_tool
need_program getfattr chattr
scratch
expect_deaths
expect_log "cannot be (committed|written to the store): Operation not permitted" "Operation not permitted; what is committed stays in its journal" \
    "could not be committed at unmount: Operation not permitted: they are lost"
touch "$PLAIN/probe"
chattr +i "$PLAIN/probe" 2>/dev/null || skip "the store's file system knows no immutable files"
chattr -i "$PLAIN/probe"
trap 'ended=$?; chattr -i "$STORE/b" || true; clean_up $ended' EXIT

start_mount commit_interval=600,max_restarts=100
for name in a b c; do
    head -c 100000 /dev/urandom >"$PLAIN/$name"
    cp "$PLAIN/$name" "$MOUNT/$name"
done
sync "$MOUNT/a" "$MOUNT/b"
for name in d e; do # not committed yet
    head -c 100000 /dev/urandom >"$PLAIN/$name"
    cp "$PLAIN/$name" "$MOUNT/$name"
done
# A file that cannot be opened for writing any more, which the next worker has to: with commits that are not in the store, with changes, and
# longer than it was.
chattr +i "$STORE/b"
worker=$(stats_value worker_pid)
head -c 300000 /dev/urandom >"$PLAIN/b"
cat "$PLAIN/b" >"$MOUNT/b"
kill -9 "$worker"
replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }
wait_until 20 replaced || fail "no next worker"
status=0
said=$(timeout 100 "$MAPSHARE" unmount "$MOUNT" 2>&1) || status=$?
[ "$status" = 1 ] || fail "unmount returns $status: $said"
wait_gone 30 "$KEEPER" || fail "the keeper stays"
for name in a c d e; do
    cmp "$PLAIN/$name" "$STORE/$name" || fail "$name is not complete because b cannot be written"
done
grep -qE 'are lost|still in the journal' <<<"$said" || fail "it says: $said"
