#!/usr/bin/env bash
# Names and paths at their limits give the errno that the plain file system gives.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
same_as_plain mount/posix-names
stop_mount
