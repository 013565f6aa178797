#!/usr/bin/env bash
# The dirty, received and committed pages told by the attributes are those that a program stored to, page by page.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount commit_interval=600
"$(helper mount/xattr-exact)" "$MOUNT/default"
"$(helper mount/xattr-exact)" "$MOUNT/atomic" atomic
stop_mount
