#!/usr/bin/env bash
# Reading a folder of ten thousand entries: each once, stable positions, also while it changes.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
"$(helper mount/posix-readdir)" "$MOUNT"
stop_mount
