#!/usr/bin/env bash
# Each metric that the dashboard and the alert rules name is one that mapshare prints; Prometheus' own tool has nothing to say against either.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
monitoring=${top_srcdir:-$TEST_FOLDER/..}/contrib/monitoring
start_mount commit_interval=1000
for round in 1 2 3; do
    echo "$round" >"$MOUNT/file"
    mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
done
exec {held}<"$MOUNT/file" # a user holds something
mapshare metrics "$MOUNT" >"$SCRATCH/metrics"
exec {held}<&-

named=$(cat "$monitoring"/* | grep -o 'mapshare_[a-z_]*' | sort -u)
[ "$(wc -l <<<"$named")" -gt 10 ] || fail "only these are named: $named"
for name in $named; do
    grep -q -e "^$name{" -e "^# TYPE $name " "$SCRATCH/metrics" || fail "$name is named in contrib/monitoring, and not printed"
done
python3 - "$monitoring/mapshare-dashboard.json" <<'END' || fail "the dashboard"
import json, sys
panels = json.load(open(sys.argv[1], encoding="utf-8"))["panels"]
assert len(panels) == len({panel["id"] for panel in panels}) and all(panel["targets"] for panel in panels)
END

python3 - "$SCRATCH/metrics" <<'END' || fail "histograms: $(grep _seconds "$SCRATCH/metrics")"
import re, sys
of = {}
for name, what, le, value in re.findall(r'^mapshare_([a-z]+)_seconds_(bucket|sum|count)\{.*?(?:le="(.*)")?\} (\S+)$', open(sys.argv[1]).read(), re.M):
    of.setdefault(name, {}).setdefault(what, []).append((float(le or "nan"), float(value)))
assert set(of) == {"request", "commit", "stall"}, set(of)
for one in of.values():
    bounds, counts = zip(*one["bucket"])
    assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf")
    assert list(counts) == sorted(counts) and counts[-1] == one["count"][0][1]
assert of["commit"]["count"][0][1] == 3 and of["commit"]["sum"][0][1] > 0
assert of["request"]["count"][0][1] > 10 and of["request"]["sum"][0][1] >= of["commit"]["sum"][0][1] / 2
END
stop_mount

command -v promtool >/dev/null || { skip_part "needs promtool (Debian's prometheus)"; exit 0; }
said=$(promtool check metrics <"$SCRATCH/metrics" 2>&1) || fail "promtool check metrics: $said"
[ -z "$said" ] || fail "promtool check metrics: $said"
promtool check rules "$monitoring/mapshare-rules.yml" >"$SCRATCH/said" 2>&1 || fail "promtool check rules: $(cat "$SCRATCH/said")"
