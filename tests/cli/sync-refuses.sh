#!/usr/bin/env bash
# sync commits all the files or none: one that is missing, a directory, elsewhere or not writable stops it before anything is done.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

echo text >"$MOUNT/file"
echo text >"$PLAIN/file"
mkdir "$MOUNT/folder"
refused 1 "$MOUNT/none: No such file" mapshare sync "$MOUNT/file" "$MOUNT/none"
refused 1 "$MOUNT/folder: Is a directory" mapshare sync "$MOUNT/file" "$MOUNT/folder"
refused 1 "$PLAIN/file: not on a mapsharefs mount" mapshare sync "$MOUNT/file" "$PLAIN/file"
if is_root; then
    echo text >"$MOUNT/readable"
    as_other() {
        setpriv --reuid=4321 --regid=4321 --clear-groups timeout 60 "$MAPSHARE" "$@"
    }
    [ "$(as_other stat "$MOUNT/readable" | grep -c '^Size')" = 1 ] || skip "another user may not look at the mount"
    refused 1 "$MOUNT/readable: Permission denied" as_other sync "$MOUNT/readable"

    FIRST_MOUNT=$MOUNT
    STORE=$SCRATCH/store2 MOUNT=$SCRATCH/mount2
    mkdir "$STORE" "$MOUNT"
    start_mount
    echo text >"$MOUNT/file"
    refused 1 "$MOUNT/file: " mapshare sync "$FIRST_MOUNT/file" "$MOUNT/file"
    stop_mount
    MOUNT=$FIRST_MOUNT
else
    skip_part "other users and a second mount need root"
fi
[ "$(attribute commit "$MOUNT/file")" = none ] || fail "committed: $(attribute commit "$MOUNT/file")"
