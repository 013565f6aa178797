#!/usr/bin/env bash
# No two files need each other, directly or through others: of the daemon, the library, the tool, the stand-by.
. "$(dirname "$0")/../lib.sh"
need_program nm tsort
[ -z "${SANITIZERS:-}" ] || skip "once is enough: without the sanitizers"
scratch

symbols() { # OPTION OBJECT...: SYMBOL FILE, a line each
    nm -g -A "$@" | awk -v root="$BUILD_FOLDER/" '{
        symbol = $NF
        sub(/:[^:]*$/, "")
        file = substr($0, length(root) + 1)
        sub(/\.o$/, "", file)
        folder = name = file
        sub(/\/[^\/]*$/, "", folder)
        sub(/.*[\/-]/, "", name)
        print symbol, folder "/" name
    }'
}

check() { # FOLDER OBJECT...
    local what=$1
    shift
    symbols --defined-only "$@" >"$SCRATCH/defined"
    symbols --undefined-only "$@" >"$SCRATCH/needed"
    [ "$(wc -l <"$SCRATCH/defined")" -gt 20 ] || fail "found only $(wc -l <"$SCRATCH/defined") functions in $what"
    # FILE OTHER: the first needs the second.
    join <(sort "$SCRATCH/needed") <(sort "$SCRATCH/defined") | awk '$2 != $3 {print $2, $3}' | sort -u >"$SCRATCH/edges"
    [ "$(wc -l <"$SCRATCH/edges")" -gt 10 ] || fail "found only $(wc -l <"$SCRATCH/edges") calls between files in $what"
    tsort "$SCRATCH/edges" >"$SCRATCH/order" 2>"$SCRATCH/loops" || fail "$what: files need each other: $(tr '\n' ' ' <"$SCRATCH/loops")"
    echo "$what: $(wc -l <"$SCRATCH/order") files, $(wc -l <"$SCRATCH/edges") needs"
}

check libmapshare "$BUILD_FOLDER"/libmapshare/.libs/all_la-*.o
for what in fsd cli reach; do
    mapfile -t objects < <(find "$BUILD_FOLDER/$what" -name '*.o' 2>/dev/null)
    [ ${#objects[@]} -gt 0 ] || { [ "$what" = reach ] && skip_part "the stand-by is not built" && continue; fail "$what is not built"; }
    check "$what" "${objects[@]}"
done
