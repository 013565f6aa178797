#!/usr/bin/env bash
# No two files of the library need each other, directly or through others.
. "$(dirname "$0")/../lib.sh"
need_program nm tsort
scratch

for object in "$BUILD_FOLDER"/libmapshare/.libs/all_la-*.o; do
    name=$(basename "$object" .o)
    nm -g --defined-only "$object" | awk -v of="${name#all_la-}" 'NF == 3 {print $3, of}' >>"$SCRATCH/defined"
    nm -g --undefined-only "$object" | awk -v of="${name#all_la-}" '{print $2, of}' >>"$SCRATCH/needed"
done
[ "$(wc -l <"$SCRATCH/defined")" -gt 40 ] || fail "found only $(wc -l <"$SCRATCH/defined") functions in $BUILD_FOLDER/libmapshare"
# FILE OTHER: the first needs the second.
join <(sort "$SCRATCH/needed") <(sort "$SCRATCH/defined") | awk '$2 != $3 {print $2, $3}' | sort -u >"$SCRATCH/edges"
[ "$(wc -l <"$SCRATCH/edges")" -gt 10 ] || fail "found only $(wc -l <"$SCRATCH/edges") calls between files"
tsort "$SCRATCH/edges" >"$SCRATCH/order" 2>"$SCRATCH/loops" || fail "files need each other: $(tr '\n' ' ' <"$SCRATCH/loops")"
echo "$(wc -l <"$SCRATCH/order") files, $(wc -l <"$SCRATCH/edges") needs"
