#!/usr/bin/env bash
# After a journal's write error, sync names the error, and stat, dirty and map show the pages that are kept.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
expect_log 'mapsharefs: [ab]: cannot be committed: Input/output error' 'changes could not be committed at unmount: Input/output error' \
    'the journal cannot be sealed \(Input/output error\)'
start_mount commit_interval=1000,fault=write/journal/EIO/3 # the first two are the superblocks

for name in a b; do
    head -c 20000 /dev/urandom >"$MOUNT/$name"
done
refused 1 "$MOUNT/a and 1 more: Input/output error" mapshare sync "$MOUNT/a" "$MOUNT/b"
refused 1 "$MOUNT/a: Input/output error" mapshare sync "$MOUNT/a"
[ "$(mapshare stat --json "$MOUNT/a" | json_value "o['error'], o['failed'], o['dirty']")" = "EIO 5 5" ] || fail "$(mapshare stat "$MOUNT/a")"
mapshare stat "$MOUNT/b" | grep -q '^Error  *EIO$' || fail "$(mapshare stat "$MOUNT/b")"
[ "$(mapshare dirty "$MOUNT/a")" = "0-4 failed" ] || fail "$(mapshare dirty "$MOUNT/a")"
[ "$(mapshare map --json "$MOUNT/a" | json_value "o['cells']")" = FFFFF ] || fail "$(mapshare map "$MOUNT/a")"
[ "$(mapshare files --json "$MOUNT" | json_value "[(f['path'], f['failed'], f['received'], f['error']) for f in o['files']]")" = \
    "[('a', 5, 0, 'EIO'), ('b', 5, 0, 'EIO')]" ] || fail "$(mapshare files "$MOUNT")"
