#!/usr/bin/env bash
# Owners, groups, setgid folders, sticky folders, dropped setuid bits and permissions are those of the plain file system.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
start_mount trusted
same_as_plain mount/posix-owner
stop_mount
