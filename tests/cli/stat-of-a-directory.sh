#!/usr/bin/env bash
# Of a directory, stat tells whether new files become atomic.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr setfattr python3
scratch
start_mount

mkdir "$MOUNT/folder"
[ "$(mapshare stat --json "$MOUNT/folder" | json_value "o['type'], o['atomic']")" = "directory False" ] || fail "a new directory"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/folder"
[ "$(mapshare stat --json "$MOUNT/folder" | json_value "o['atomic']")" = True ] || fail "an atomic directory"
mapshare stat "$MOUNT/folder" | grep -q '^Atomic  *yes: new files' || fail "plain text: $(mapshare stat "$MOUNT/folder")"
touch "$MOUNT/folder/file"
[ "$(mapshare stat --json "$MOUNT/folder/file" | json_value "o['type'], o['atomic']")" = "file True" ] || fail "a file in it"
stop_mount
