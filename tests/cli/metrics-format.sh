#!/usr/bin/env bash
# metrics prints the text format of Prometheus: HELP and TYPE before each family, each family once, every figure of the daemon's.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
MOUNT=$SCRATCH/'a"quoted"mount'
mkdir "$MOUNT"
start_mount commit_interval=1000

echo text >"$MOUNT/file"
mapshare sync "$MOUNT/file" >"$SCRATCH/receipt"
mapshare metrics "$MOUNT" >"$SCRATCH/seen"
python3 - "$SCRATCH/seen" "$MOUNT" <<'END' || fail "$(cat "$SCRATCH/seen")"
import re, sys
family = re.compile(r'# (HELP|TYPE) (mapshare_[a-z_]+) (.+)')
sample = re.compile(r'(mapshare_[a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} ([0-9.e+-]+)')
label = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
seen, current, typed = set(), None, None
for line in open(sys.argv[1], encoding="utf-8").read().splitlines():
    if line.startswith("#"):
        what, name, rest = family.fullmatch(line).groups()
        if what == "HELP":
            assert name not in seen, line
            seen.add(name)
            current = name
        else:
            assert name == current and rest in ("counter", "gauge", "histogram"), line
            assert (rest == "counter") == name.endswith("_total"), line
            typed = name
        continue
    name, labels, _ = sample.fullmatch(line).groups()
    if typed and name in (typed + "_bucket", typed + "_sum", typed + "_count"):
        name = typed
    assert name == current == typed, line
    mount = dict(label.findall(labels))["mount"]
    assert re.sub(r"\\(.)", r"\1", mount) == sys.argv[2], line
END
for pair in "commits commits_total" "pages_committed committed_pages_total" "journal_size journal_size_bytes" "frames_total arena_frames" \
    "restarts restarts_total" "sequence commit_sequence"; do
    grep -q "^mapshare_${pair#* }{.*} $(stats_value "${pair% *}")$" "$SCRATCH/seen" || fail "${pair% *} is $(stats_value "${pair% *}")"
done
mapshare metrics --json "$MOUNT" | json_value "o['version'], o['keeper_pid']" | grep -q " $KEEPER$" || fail "JSON"
stop_mount
