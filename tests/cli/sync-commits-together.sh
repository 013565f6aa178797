#!/usr/bin/env bash
# sync makes several files durable in one commit: they have the same sequence number, and no page of them is dirty.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

for name in a b c; do
    truncate -s 1M "$MOUNT/$name"
    hold_stores "$MOUNT/$name" 1 5 250
    release_stores
done
ln "$MOUNT/a" "$MOUNT/again"
touch "$MOUNT/empty"
text=$(mapshare sync "$MOUNT"/{a,b,c,a,again,empty})
[[ $text =~ ^sequence\ ([0-9]+),\ durable\ at\ [0-9]{4}- ]] || fail "sync printed: $text"
sequence=${BASH_REMATCH[1]}
for name in a b c empty; do
    [ "$(attribute commit "$MOUNT/$name" | cut -d ' ' -f 1)" = "$sequence" ] || fail "$name: $(attribute commit "$MOUNT/$name")"
    [ "$(attribute dirty "$MOUNT/$name")" = 0 ] || [ "$(attribute dirty.received "$MOUNT/$name")" = 0 ] ||
        fail "$name has $(attribute dirty "$MOUNT/$name") dirty pages"
done

if is_root; then # pages in the kernel are pulled
    hold_stores "$MOUNT/b" 7 8
    [ "$(attribute dirty.kernel "$MOUNT/b")" = 2 ] || fail "no page in the kernel: $(attribute dirty.kernel "$MOUNT/b")"
fi
json=$(mapshare sync --json "$MOUNT"/{a,b})
[ "$(json_value "o['files']" <<<"$json")" = 2 ] || fail "JSON: $json"
[ "$(json_value "o['sequence']" <<<"$json")" -gt "$sequence" ] || fail "the second commit's number is not larger: $json"
[ "$(attribute commit "$MOUNT/b")" = "$(json_value "o['sequence'], o['time']" <<<"$json")" ] || fail "the receipt differs from the file's"
if is_root; then
    [ "$(attribute dirty "$MOUNT/b")" = 0 ] || fail "dirty after the commit: $(attribute dirty "$MOUNT/b")"
    release_stores
fi
stop_mount
