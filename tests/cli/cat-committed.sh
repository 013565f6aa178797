#!/usr/bin/env bash
# cat prints files as they are, cat --committed as their last commits left them; what it refuses.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000,atomic

for name in a b; do
    echo "committed $name" >"$MOUNT/$name"
done
mapshare sync "$MOUNT"/{a,b} >/dev/null
echo more >>"$MOUNT/a"
: >"$MOUNT/b"
[ "$(mapshare cat "$MOUNT"/{a,b})" = "committed a"$'\n'more ] || fail "cat prints: $(mapshare cat "$MOUNT"/{a,b})"
text=$(mapshare cat --committed "$MOUNT"/{b,a,b})
[ "$text" = "committed b"$'\n'"committed a"$'\n'"committed b" ] || fail "cat --committed prints: $text"
chmod 444 "$MOUNT/a" # to read it is enough
[ "$(mapshare cat -d "$MOUNT/a")" = "committed a" ] || fail "of a file that is only read"
head -c 3000000 /dev/urandom >"$MOUNT/large"
mapshare sync "$MOUNT/large" >/dev/null
mapshare cat -d "$MOUNT/large" | cmp - "$MOUNT/large" || fail "a large file is printed otherwise"
if [ -c /dev/full ]; then
    to_full() {
        mapshare "$@" >/dev/full
    }
    refused 1 "standard output: No space left on device" to_full cat -d "$MOUNT/a"
fi
echo text >"$PLAIN/file"
refused 1 "$MOUNT/none: No such file" mapshare cat "$MOUNT/none"
refused 1 "$PLAIN/file: not on a mapsharefs mount" mapshare cat --committed "$MOUNT/a" "$PLAIN/file"
refused 2 "FILE" mapshare cat
stop_mount
