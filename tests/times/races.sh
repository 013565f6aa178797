#!/usr/bin/env bash
# Ten thousand rounds of stores in one process while others sync and look: stamps stay in their bounds, and neither they nor sizes ever go back.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr
scratch
start_mount commit_interval=1
mkdir "$MOUNT/default" "$MOUNT/atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic"
"$(helper times/races)" "$MOUNT/default" 10000 15
"$(helper times/races)" "$MOUNT/atomic" 2000 5
"$(helper times/goes-back)" "$MOUNT/default" 8000
stop_mount
