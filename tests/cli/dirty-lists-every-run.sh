#!/usr/bin/env bash
# dirty lists exactly the pages that were stored to, also more runs than one answer of the daemon holds; as text, JSON and attribute.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

file=$MOUNT/file
truncate -s 16M "$file"
mapshare sync "$file" >"$SCRATCH/receipt"
mapshare dirty "$file" >"$SCRATCH/seen"
grep -v -e committed -e writeback "$SCRATCH/seen" && fail "a file that was just committed has dirty pages"

mapfile -t pages < <(seq 1 4 2000)
hold_stores "$file" "${pages[@]}" 3000 3001 3002 4095
expected() { # STATE
    local page
    for page in "${pages[@]}"; do
        echo "$page-$page $1"
    done
    printf '3000-3002 %s\n4095-4095 %s\n' "$1" "$1"
}
if is_root; then
    expected kernel >"$SCRATCH/expected"
    mapshare dirty "$file" >"$SCRATCH/seen" || fail "dirty fails"
    diff "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "pages in the kernel"
else
    skip_part "the kernel's pages need root"
fi
release_stores
expected received >"$SCRATCH/expected"
mapshare dirty "$file" >"$SCRATCH/seen"
diff "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "received pages"
attribute ranges "$file" | diff - "$SCRATCH/seen" >&2 || fail "user.mapshare.ranges differs"
mapshare dirty --json "$file" | json_value \
    "'\n'.join('%d-%d %s' % (r['first'], r['last'], r['state']) for r in o['ranges'])" | diff - "$SCRATCH/seen" >&2 || fail "JSON differs"
stop_mount
