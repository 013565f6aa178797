#!/usr/bin/env bash
# What is not on a mount of ours, or not there, or not a file, is refused by name, with what to do; nothing is touched or waited for.
. "$(dirname "$0")/lib.sh"
scratch

echo text >"$PLAIN/file"
mkfifo "$PLAIN/fifo"
ln -s loop "$PLAIN/loop"
before=$(stat -c '%x %y %z %s' "$PLAIN/file")
for command in stat dirty map sync; do
    refused 1 "$PLAIN/file: not on a mapsharefs mount; mount its store" mapshare "$command" "$PLAIN/file"
    refused 1 "$PLAIN/none: No such file or directory" mapshare "$command" "$PLAIN/none"
    refused 1 "$PLAIN/file/x: Not a directory" mapshare "$command" "$PLAIN/file/x"
    refused 1 "$PLAIN/fifo: neither a file nor a directory" mapshare "$command" "$PLAIN/fifo"
    refused 1 "/dev/null: neither a file nor a directory" mapshare "$command" /dev/null
    refused 1 "$PLAIN/loop: " mapshare "$command" "$PLAIN/loop"
    refused 1 "File name too long" mapshare "$command" "$PLAIN/$(printf 'n%.0s' {1..256})"
done
for command in dirty map sync; do
    refused 1 "$PLAIN: Is a directory" mapshare "$command" "$PLAIN"
done
for command in files top metrics verify; do
    refused 1 "$PLAIN: not on a mapsharefs mount" mapshare "$command" "$PLAIN"
    refused 1 "$PLAIN/none: No such file or directory" mapshare "$command" "$PLAIN/none"
done
[ "$before" = "$(stat -c '%x %y %z %s' "$PLAIN/file")" ] || fail "looking at a file changed it"
