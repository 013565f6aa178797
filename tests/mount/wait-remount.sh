#!/usr/bin/env bash
# Waiting for a commit that was made before the mount began, or before the daemon knew the file, returns at once; for one to come it waits.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
waiter=$(helper mount/wait-remount)
start_mount
first=$("$waiter" commit "$MOUNT/file")
other=$("$waiter" commit "$MOUNT/other")
[ "$other" -gt "$first" ] || fail "numbers do not grow: $first, then $other"
"$waiter" wait "$MOUNT/file" "$first" 60 || fail "not even the file's own last commit"
stop_mount
start_mount
"$waiter" wait "$MOUNT/file" "$first" 60 || fail "a commit from before the remount is waited for"
"$waiter" wait "$MOUNT/other" "$other" 60 || fail "another file's commit from before the remount is waited for"
! "$waiter" wait "$MOUNT/file" $((other + 1000)) 0 2>/dev/null || fail "a commit that nobody made was reached"
third=$("$waiter" commit "$MOUNT/file")
[ "$third" -gt "$other" ] || fail "numbers do not go on after a remount: $other, then $third"
"$waiter" wait "$MOUNT/file" "$third" 60 || fail "a commit after the remount"
stop_mount
