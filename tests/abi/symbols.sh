#!/usr/bin/env bash
# What the library exports is what the map lists, each in its version; the static library clashes with no program.
. "$(dirname "$0")/../lib.sh"
MAP=${top_srcdir:-$TEST_FOLDER/..}/libmapshare/libmapshare.map
need_program nm readelf
SHARED=$BUILD_FOLDER/.libs/libmapshare.so
STATIC=$BUILD_FOLDER/.libs/libmapshare.a
[ -e "$SHARED" ] || fail "$SHARED is not built"

listed=$(sed -n '/^MAPSHARE_1\.0 /,/^}/ s/^ *\(mapshare_[a-z_]*\);/\1/p' "$MAP" | sort)
[ "$(wc -l <<<"$listed")" -gt 20 ] || fail "found only '$listed' in $MAP"
exported=$(nm -D --defined-only --with-symbol-versions "$SHARED" | awk '$2 != "A" && $3 !~ /^__odr_asan/ {print $3}' | sort)
diff <(sed 's/$/@@MAPSHARE_1.0/' <<<"$listed") <(echo "$exported") || fail "the map and the library differ"
packaged=$(sed -n 's/^ \(mapshare_[a-z_]*\)@.*/\1/p' "${top_srcdir:-$TEST_FOLDER/..}/debian/libmapshare1.symbols" | sort)
diff <(echo "$listed") <(echo "$packaged") || fail "the map and debian/libmapshare1.symbols differ"
readelf -d "$SHARED" | grep -q 'SONAME.*\[libmapshare\.so\.1\]' || fail "the soname is not libmapshare.so.1"
readelf -d "$SHARED" | grep -q 'NODELETE' || fail "the library can be unloaded under its signal handler"

if [ -e "$STATIC" ]; then
    others=$(nm -g --defined-only "$STATIC" | awk 'NF == 3 && $3 !~ /^(mapshare_|__odr_asan|DW\.ref)/ {print $3}')
    [ -z "$others" ] || fail "the static library defines" $others
else
    skip_part "no static library is built"
fi
echo "$(wc -l <<<"$listed") names"
