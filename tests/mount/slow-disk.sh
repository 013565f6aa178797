#!/usr/bin/env bash
# Eight processes sync on a disk whose flush takes 400 ms, with four serving threads: other requests are answered meanwhile.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount commit_interval=600,threads=4,fault=flush/journal/400ms:write/journal/400ms
timeout 60 "$(helper mount/slow-disk)" "$MOUNT" 8 400
stop_mount
