#!/usr/bin/env bash
# Renames, links, unlinked files and special files behave as on the plain file system.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
same_as_plain mount/posix-rename
stop_mount
