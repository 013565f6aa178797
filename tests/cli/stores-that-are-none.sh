#!/usr/bin/env bash
# recover and journal refuse what was never a store, and leave nothing behind in it.
. "$(dirname "$0")/lib.sh"
scratch

touch "$PLAIN/file"
for command in recover journal; do
    refused 1 "$STORE: not a store" mapshare "$command" "$STORE"
    refused 1 "$STORE/none: No such file or directory" mapshare "$command" "$STORE/none"
    refused 1 "$PLAIN/file: Not a directory" mapshare "$command" "$PLAIN/file"
done
[ -z "$(ls -A "$STORE")" ] || fail "left in the folder: $(ls -A "$STORE")"
touch "$STORE/.mapshare"
refused 1 "$STORE: not a store" mapshare recover "$STORE"
