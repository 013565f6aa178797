#!/usr/bin/env bash
# A file of a million pages, nearly all of them holes, is looked at in seconds.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

file=$MOUNT/file
truncate -s 4G "$file"
mapfile -t pages < <(seq 7 1000 1048575)
hold_stores "$file" "${pages[@]}"
release_stores
SECONDS=0
found=$(mapshare map --json "$file" | json_value "o['pages'], o['counts']['received']")
[ "$found" = "1048576 ${#pages[@]}" ] || fail "map finds $found instead of 1048576 ${#pages[@]}"
[ "$(mapshare dirty "$file" | grep -c received)" = ${#pages[@]} ] || fail "dirty lists $(mapshare dirty "$file" | wc -l) runs"
[ "$(mapshare map "$file" | wc -l)" -le 36 ] || fail "the picture has too many rows"
[ "$SECONDS" -le 20 ] || fail "three looks took $SECONDS s"
stop_mount
