#!/usr/bin/env bash
# Cases of the benchmark run, each as small as it can be; two runs can be compared.
. "$(dirname "$0")/../lib.sh"
need_program make
need_program git
[ -z "${SANITIZERS:-}" ] || skip "once is enough: without the sanitizers"
for header in lmdb.h sqlite3.h; do
    echo "#include <$header>" | gcc -E -x c - >/dev/null 2>&1 || skip "$header is not installed"
done
need_mount
scratch
make -s -C "$BUILD_FOLDER" mapshare-bench-pages mapshare-bench-commits mapshare-bench-crowd mapshare-bench-engines >"$SCRATCH/log" 2>&1 ||
    { cat "$SCRATCH/log" >&2; fail "the benchmark does not compile"; }
cases=(runs two tail scaling metadata sustained backup)
"$top_srcdir/bench/run" --build "$BUILD_FOLDER" --scratch "$SCRATCH" --smallest --systems disk,mapsharefs --json "$SCRATCH/figures" "${cases[@]}" \
    >"$SCRATCH/table" 2>"$SCRATCH/log" || { cat "$SCRATCH/log" >&2; fail "something could not be measured"; }
for metric in "runs of 64 KiB" "16 processes" "2 processes on one file" "4 writers beside" "8 clients, worst" "1 TiB sparse" "mappings" \
    "files in the store" "find -newer" "cp -a" "git init" "SQLite, worst" "8 writers, 99th of 100, beside a backup" "alone" "beside cp"; do
    grep -q "$metric" "$SCRATCH/table" || { cat "$SCRATCH/table" >&2; fail "not measured: $metric"; }
done
"$top_srcdir/bench/compare" "$SCRATCH/figures" "$SCRATCH/figures" | grep -qx "0 slower" || fail "the same figures differ"
sed -E '/"system": "mapsharefs"/,/"median"/s/"median": /"median": 9/' "$SCRATCH/figures" >"$SCRATCH/slower"
if "$top_srcdir/bench/compare" "$SCRATCH/figures" "$SCRATCH/slower" >"$SCRATCH/log"; then
    fail "what got slower is not told"
fi
