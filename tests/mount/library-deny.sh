#!/usr/bin/env bash
# MAP_DENYWRITE keeps its old promise on a mount.
. "$(dirname "$0")/../lib.sh"
scratch
start_mount
"$(helper mount/library-deny)" "$MOUNT/file"
stop_mount
