#!/usr/bin/env bash
# rollback takes back what several files were given since their last commits, tells the latest of these, and refuses what sync refuses.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000,atomic

for name in a b; do
    echo "committed $name" >"$MOUNT/$name"
    mapshare sync "$MOUNT/$name" >/dev/null
done
sequence=$(attribute commit "$MOUNT/b")
echo more >>"$MOUNT/a"
truncate -s 3 "$MOUNT/b"
text=$(mapshare rollback "$MOUNT"/{a,b,a})
[[ $text =~ ^sequence\ ${sequence% *},\ durable\ at\ [0-9]{4}- ]] || fail "rollback printed: $text"
[ "$(cat "$MOUNT"/{a,b})" = "committed a"$'\n'"committed b" ] || fail "the files have: $(cat "$MOUNT"/{a,b})"
[ "$(attribute dirty "$MOUNT/a")" = 0 ] || [ "$(attribute dirty.received "$MOUNT/a")" = 0 ] || fail "something is left to commit"

echo more >>"$MOUNT/a"
json=$(mapshare rollback --json "$MOUNT"/{a,b})
[ "$(json_value "o['files']" <<<"$json")" = 2 ] || fail "JSON: $json"
[ "$sequence" = "$(json_value "o['sequence'], o['time']" <<<"$json")" ] || fail "JSON: $json"

echo new >"$MOUNT/new"
[ "$(mapshare rollback "$MOUNT/new")" = "no commit since the mount" ] || fail "of a new file"
[ -e "$MOUNT/new" ] && [ ! -s "$MOUNT/new" ] || fail "the new file is not empty"

echo text >"$PLAIN/file"
echo more >>"$MOUNT/a"
refused 1 "$MOUNT/none: No such file" mapshare rollback "$MOUNT/a" "$MOUNT/none"
refused 1 "$PLAIN/file: not on a mapsharefs mount" mapshare rollback "$MOUNT/a" "$PLAIN/file"
[ "$(tail -n 1 "$MOUNT/a")" = more ] || fail "it was refused, but done"
stop_mount
