#!/usr/bin/env bash
# Each virtual attribute of the daemon is in a page of section 7, and each one there is an attribute of the daemon.
. "$(dirname "$0")/manual.sh"

defined=$(sed -n 's/^#define MAPSHARE_XATTR_[A-Z_]* MAPSHARE_XATTR_PREFIX "\(.*\)"/user.mapshare.\1/p' "$TOP/include/mapshare-abi.h")
explained=$(cat "$MANUAL"/*.7 | sed -n 's/^\.It Va \(user\.mapshare\.[a-z.]*\)$/\1/p')
same_names mapshare-abi.h "$defined" "section 7" "$explained"

# No other page speaks of one that does not exist.
mentioned=$(cat "${PAGES[@]}" | grep -o 'user\.mapshare\.[a-z.]*[a-z]' | sort -u)
unknown=$(comm -13 <(sort -u <<<"$defined") - <<<"$mentioned")
[ -z "$unknown" ] || fail "the manual speaks of $unknown"
