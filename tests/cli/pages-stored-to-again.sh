#!/usr/bin/env bash
# A page that the daemon has and that is stored to again counts once, as in the attributes.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # for the attributes' view of the kernel's pages
need_program getfattr python3
scratch
start_mount commit_interval=1000

file=$MOUNT/file
head -c 40960 /dev/urandom >"$file"
hold_stores "$file" 0 4 5 9
[ "$(mapshare dirty "$file")" = "$(attribute ranges "$file")" ] || fail "dirty and user.mapshare.ranges differ: $(mapshare dirty "$file")"
[ "$(mapshare map --json "$file" | json_value "o['cells']")" = krrrkkrrrk ] || fail "map: $(mapshare map "$file")"
for pair in dirty:dirty kernel:dirty.kernel received:dirty.received; do
    told=$(mapshare stat --json "$file" | json_value "o['${pair%:*}']")
    [ "$told" = "$(attribute "${pair#*:}" "$file")" ] || fail "stat's ${pair%:*} is $told, the attribute $(attribute "${pair#*:}" "$file")"
done
release_stores
stop_mount
