#!/usr/bin/env bash
# map --svg writes a picture that is XML and has every page once, in its state.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount commit_interval=1000

file="$MOUNT/<a & b>"
head -c 40960 /dev/zero >"$file" # 10 pages received
truncate -s 98305 "$file"        # of 25
pages() { # of the states in the picture, and the legend's
    python3 - "$SCRATCH/picture" <<'END'
import collections, re, sys, xml.etree.ElementTree as tree
svg = "{http://www.w3.org/2000/svg}"
root = tree.parse(sys.argv[1]).getroot()
tiles, states, next_page = collections.Counter(), {}, 0
for rect in root.iter(svg + "rect"):
    title = rect.find(svg + "title")
    if title is None:
        continue
    first, last, state = re.fullmatch(r"pages (\d+) to (\d+): (\w+)", title.text).groups()
    assert int(first) == next_page, title.text
    next_page = int(last) + 1
    tiles[state] += int(rect.get("width")) // 10
    states.setdefault(rect.get("fill"), set()).add(state)
assert all(len(state) == 1 for state in states.values()), states
texts = [text.text for text in root.iter(svg + "text")]
assert "<a & b>: 96.0 KiB, 25 pages" in texts[0], texts
print(next_page, *(f"{state}={count}" for state, count in sorted(tiles.items())), *texts[1:])
END
}
mapshare map --svg="$SCRATCH/picture" --width=8 "$file" >"$SCRATCH/said" 2>&1 || fail "$(cat "$SCRATCH/said")"
[ ! -s "$SCRATCH/said" ] || fail "said: $(cat "$SCRATCH/said")"
kernel=$(mapshare map --json "$file" | json_value "'unknown' if o['counts']['kernel'] is None else 0")
expected="25 clean=15 received=10 clean 15 kernel $kernel received 10 committed 0 writeback 0 failed 0"
[ "$(pages)" = "$expected" ] || fail "$(pages)"
refused 1 "$SCRATCH/none/picture: No such file" mapshare map --svg="$SCRATCH/none/picture" "$file"
refused 1 "/dev/full: No space left" mapshare map --svg=/dev/full "$file"
stop_mount
