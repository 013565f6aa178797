#!/usr/bin/env bash
# The probes of the daemon that is built are those of mapshare-operating(7).
. "$(dirname "$0")/manual.sh"
need_program readelf
grep -q "define HAVE_SYS_SDT_H" "$BUILD_FOLDER/config.h" || skip "built without sys/sdt.h"
built=$(readelf -n "$BUILD_FOLDER/mapsharefs" | awk '/Provider: mapsharefs/ {getline; print $2}' | sort -u)
listed=$(sed -n 's/^\.It Li \([a-z_]*\)$/\1/p' "$MANUAL/mapshare-operating.7")
same_names "the daemon" "$built" "mapshare-operating(7)" "$listed"
