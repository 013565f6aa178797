#!/usr/bin/env bash
# What the manual shows of a program in examples/ is in that program, line by line; libmapshare(3) lists the programs that there are.
. "$(dirname "$0")/manual.sh"

scratch
mkdir "$SCRATCH/snippets"
for page in "${PAGES[@]}"; do
    awk -v folder="$SCRATCH/snippets" -v page="$(basename "$page")" '
        /^\.\\" from examples\// {source = $3; next}
        source && /^\.Bd -literal/ {inside = 1; file = folder "/" page "-" ++count; print source > file; next}
        inside && /^\.Ed/ {inside = 0; source = ""; close(file); next}
        inside {gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/\\&/, ""); print > file}' "$page"
done
count=0
for snippet in "$SCRATCH"/snippets/*; do
    [ -f "$snippet" ] || fail "no page shows a part of an example"
    source=$(head -n 1 "$snippet")
    [ -f "$TOP/$source" ] || fail "$(basename "$snippet"): there is no $source"
    python3 -c '
import sys
shown, source = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
sys.exit("\n" + shown.split("\n", 1)[1] not in "\n" + source)' "$snippet" "$TOP/$source" ||
        fail "$(basename "$snippet") is not, line by line, in $source"
    count=$((count + 1))
done
echo "$count snippets are in their programs"

programs=$(cd "$TOP/examples" && ls -- *.c *.cpp *.py go/* rust/*)
listed=$(section "$MANUAL/libmapshare.3" EXAMPLES | sed -n 's/^\.It Pa \(.*\)/\1/p')
same_names examples/ "$programs" "libmapshare(3)" "$listed"
