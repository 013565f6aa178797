#!/usr/bin/env bash
# The store's disk dies, or its lock cannot be read, while it is mounted: unmount does not return success, and says what is not known or
# lost.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr python3
scratch
expect_log "Input/output error" "Read-only file system" # of a disk that is dead
small_disk "$STORE" 128M

start_mount commit_interval=600
echo text >"$MOUNT/file"
mv "$STORE/.mapshare/lock" "$STORE/.mapshare/elsewhere"
refused 1 "whether all changes are in $STORE is not known: its lock cannot be read: No such file" mapshare unmount "$MOUNT"
wait_gone 30 "$KEEPER" || fail "the keeper stays"
rm "$STORE/.mapshare/elsewhere"
start_mount commit_interval=600
ln -s "$PLAIN" "$STORE/.mapshare/link"
mv -T "$STORE/.mapshare/lock" "$STORE/.mapshare/elsewhere"
mkfifo "$STORE/.mapshare/lock"
refused 1 "is not known: its lock cannot be read" mapshare unmount "$MOUNT"
wait_gone 30 "$KEEPER" || fail "the keeper stays"
rm "$STORE/.mapshare/lock" "$STORE/.mapshare/link" "$STORE/.mapshare/elsewhere"

start_mount commit_interval=600
echo committed >"$MOUNT/file"
mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
echo changed >"$MOUNT/file"
python3 -c '
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 1))' "$STORE" 2>/dev/null || skip_part "the store's file system cannot be shut down"
refused 1 "unmounted, but" mapshare unmount "$MOUNT"
