#!/usr/bin/env bash
# unmount touches no mount but ours.
. "$(dirname "$0")/lib.sh"
need_root
scratch

refused 1 "$MOUNT: nothing is mounted there" mapshare unmount "$MOUNT"
refused 1 "$MOUNT/none/x: No such file or directory" mapshare unmount "$MOUNT/none/x"
mount -t tmpfs none "$MOUNT" || skip "cannot mount a tmpfs"
USED_LOOPS+=("$MOUNT")
refused 1 "$MOUNT: mounted, but as tmpfs" mapshare unmount "$MOUNT"
refused 1 "$MOUNT/: mounted, but as tmpfs" mapshare unmount "$MOUNT/"
mountpoint -q "$MOUNT" || fail "the tmpfs was unmounted"
