#!/usr/bin/env bash
# Reads, writes, truncates, allocations, holes and mappings of a file show each other what the plain file system shows.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
same_as_plain mount/posix-data
stop_mount
