#!/usr/bin/env bash
# flock, POSIX locks and locks of an open file behave as on the plain file system.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
same_as_plain mount/posix-locks
stop_mount
