#!/usr/bin/env bash
# The table of time stamps in mapshare-times(7): each row is a test, or a group of tests, in tests/times, each test is in one row, and what
# the table says of ext4 and tmpfs is what the tests find there.
. "$(dirname "$0")/manual.sh"
scratch

checks=$(cat "$TOP"/tests/times/*.c | grep -o '{"T[1-8]-[a-z0-9_-]*"' | tr -d '{"')
[ -n "$checks" ] || fail "no checks in tests/times"
rows=$(grep -h '^T[1-8]-' "$MANUAL"/*.7 || true)
[ -n "$rows" ] || fail "no rows in the table"
table_of() { # CHECK: its rows
    while read -r row _; do
        case $1 in "$row" | "$row"-*) echo "$row" ;; esac
    done <<<"$rows"
}
for check in $checks; do
    [ "$(table_of "$check" | wc -l)" = 1 ] || fail "$check is in $(table_of "$check" | wc -l) rows of the table, not in one"
done
while read -r row _; do
    [ -f "$TOP/tests/times/${row#T?-}.sh" ] || grep -q "^$row\(-\|$\)" <<<"$checks" || fail "$row is no test"
done <<<"$rows"
for rule in 1 2 3 4 5 6 7 8; do
    grep -q "^T$rule-" <<<"$rows" || fail "rule T$rule has no row"
    grep -q "^\.It T$rule\.$" "$MANUAL"/*.7 || fail "rule T$rule is not told"
done
echo "$(wc -l <<<"$rows") rows, $(wc -l <<<"$checks") checks"

differs_again() { # FOLDER ROW: what other file systems get wrong within a tick of their clock a loaded machine may get right
    for ((i = 0; i < 20; i++)); do
        "$BUILD_FOLDER/tests/times/times" "$(mktemp -d "$1/again.XXXXXX")" 2>&1 | grep "^FAIL $2[-: ]" >/dev/null && return 0
    done
    return 1
}
compare() { # FOLDER COLUMN TITLE
    "$BUILD_FOLDER/tests/times/times" "$1" >"$SCRATCH/found" 2>&1 || true
    local row seen
    while IFS=$'\t' read -ra cells; do
        row=${cells[0]}
        seen=$(grep "^[A-Z]* $row[-: ]\|^[A-Z]* $row\$" "$SCRATCH/found" || true)
        [ -n "${cells[$2]:-}" ] || continue
        [ -n "$seen" ] || fail "$row was not tried on $3"
        case ${cells[$2]} in
        yes) ! grep -q '^FAIL' <<<"$seen" || fail "the table says yes for $row on $3: $seen" ;;
        no) grep -q '^FAIL' <<<"$seen" || differs_again "$1" "$row" || fail "the table says no for $row on $3: $seen" ;;
        *) fail "the table says '${cells[$2]}' for $row on $3" ;;
        esac
    done <<<"$rows"
    echo "the table is right about $3"
}
if [ ! -x "$BUILD_FOLDER/tests/times/times" ]; then
    skip "the rows are tests; what other file systems do is not checked: tests/times/times is not built"
fi
if [ "$(stat -f -c %T "$PLAIN")" = ext2/ext3 ]; then compare "$PLAIN" 5 ext4; else skip_part "no ext4 here"; fi
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ]; then
    memory=$(mktemp -d /dev/shm/mapshare-docs.XXXXXX)
    trap 'rm -rf "$memory"; clean_up' EXIT
    compare "$memory" 6 tmpfs
else
    skip_part "no tmpfs at /dev/shm"
fi
