#!/usr/bin/env bash
# mandoc finds nothing to say about any page, style included, and every reference to a page of ours leads to one.
. "$(dirname "$0")/manual.sh"
need_program mandoc

# Whether other packages' pages are installed here is not our affair; mandoc does not know of ours before they are installed.
complaints=$(for page in "${PAGES[@]}"; do mandoc -T lint "$page" 2>/dev/null || true; done | grep -v 'referenced manual not found' || true)
[ -z "$complaints" ] || fail "mandoc says: $complaints"

references=$(cat "${PAGES[@]}" | grep -o '\bXr \(lib\)\?mapshare[a-z_.-]* [1-9]' | sort -u)
while read -r _ name number; do
    [ -f "$MANUAL/$name.$number" ] || fail "there is no page $name($number)"
done <<<"$references"
echo "${#PAGES[@]} pages, no complaint; $(wc -l <<<"$references") references lead to a page"
