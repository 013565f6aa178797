#!/usr/bin/env bash
# A commit of three hundred files, with the soft limit of open files below that.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

mkdir "$MOUNT/many"
for number in {1..300}; do
    echo "text $number" >"$MOUNT/many/$number"
done
exec 5<"$MOUNT/many/1" 6<"$MOUNT/many/150" 7<"$MOUNT/many/300" # or the kernel might forget them, and the daemon their last commit
ulimit -S -n 100
json=$(mapshare sync --json "$MOUNT"/many/*)
[ "$(json_value "o['files']" <<<"$json")" = 300 ] || fail "JSON: $json"
for number in 1 150 300; do
    [ "$(attribute commit "$MOUNT/many/$number" | cut -d ' ' -f 1)" = "$(json_value "o['sequence']" <<<"$json")" ] || fail "file $number"
done
exec 5<&- 6<&- 7<&-
stop_mount
