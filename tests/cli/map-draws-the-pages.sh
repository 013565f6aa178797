#!/usr/bin/env bash
# map shows one letter a page, rows as wide as asked, counts in the legend; and blocks of pages where the file is large.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

file=$MOUNT/file
truncate -s 98305 "$file" # 25 pages
mapshare sync "$file" >"$SCRATCH/receipt"
hold_stores "$file" 0 9 10 24
release_stores
mapshare map --width=10 "$file" >"$SCRATCH/seen"
cat >"$SCRATCH/expected" <<END
$file: 96.0 KiB, 25 pages
 0  r........r
10  r.........
20  ....r
. clean 21   k kernel 0   r received 4   c committed 0   w writeback 0   F failed 0
END
is_root || sed -i 's/kernel 0/kernel unknown/' "$SCRATCH/expected"
diff "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "the picture is wrong"
cells=$(mapshare map --json "$file" | json_value "o['cells'], o['pages'], o['pages_per_cell'], o['counts']['received']")
[ "$cells" = "r........rr.............r 25 1 4" ] || fail "JSON: $cells"

truncate -s 0 "$MOUNT/empty"
mapshare map "$MOUNT/empty" | head -n 1 | grep -q ': 0 B, 0 pages$' || fail "an empty file: $(mapshare map "$MOUNT/empty")"

truncate -s 16M "$file" # 4096 pages: 2048 cells of two pages at most
mapshare sync "$file" >"$SCRATCH/receipt"
hold_stores "$file" 5 4094
release_stores
[ "$(mapshare map --json "$file" | json_value "o['pages_per_cell'], len(o['cells']), o['cells'].replace('.', '').replace('c', '').replace('w', ''), \
o['cells'][2], o['cells'][2047]")" = "2 2048 rr r r" ] || fail "a picture of blocks: $(mapshare map --json "$file")"
stop_mount
