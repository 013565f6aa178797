#!/usr/bin/env bash
# A read over pages in memory, pages in the store and holes in any order gives each byte from where it is.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
"$(helper mount/read-gaps)" "$MOUNT"
stop_mount
