#!/usr/bin/env bash
# Every exported symbol has a page or a link page, and no page is about a call that is not exported.
. "$(dirname "$0")/manual.sh"

exported=$(sed -n '/^MAPSHARE_/,/^}/ s/^ *\(mapshare_[a-z_0-9]*\);.*/\1/p' "$TOP/libmapshare/libmapshare.map")
paged=$(for page in "${PAGES[@]}" "${LINKS[@]}"; do basename "$page" .3; done | grep '^mapshare_')
same_names libmapshare.map "$exported" "the pages' names" "$paged"
listed=$(sed -n 's/^\.Fn \(mapshare_[a-z_]*\).*/\1/p' "$MANUAL/libmapshare.3")
same_names libmapshare.map "$exported" "libmapshare(3)" "$listed"
