#!/usr/bin/env bash
# Many writers, and workers that die: who follows the mount sees each commit once, in order, with the pages that were stored and no others.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program python3 getfattr
scratch
expect_deaths
WRITERS=4 ROUNDS=150 KILLS=5
start_mount max_restarts=1000,commit_interval=3600,noatime
"$MAPSHARE" follow --json "$MOUNT" >"$SCRATCH/followed" 2>"$SCRATCH/errors" &
follower=$!
kill_later "$follower"
followed() { # NAME
    touch "$MOUNT/$1" && "$MAPSHARE" sync "$MOUNT/$1" && sleep 0.05 && grep -q "\"$1\"" "$SCRATCH/followed"
}
wait_until 20 followed begin || fail "nothing is followed: $(cat "$SCRATCH/errors")"

writers=()
for i in $(seq $WRITERS); do
    "$(helper mount/feed)" "$MOUNT/file-$i" $ROUNDS "$i" >"$SCRATCH/file-$i" &
    writers+=($!)
done
kill_later "${writers[@]}"
for _ in $(seq $KILLS); do
    sleep 0.1
    kill -9 "$(stats_value worker_pid)" || true
done
for writer in "${writers[@]}"; do
    wait "$writer" || fail "a writer fails"
done
wait_until 20 followed end || fail "the last commits are not followed"
kill "$follower"
[ "$(stats_value restarts)" -gt 0 ] || fail "no worker died"

python3 - "$SCRATCH" $WRITERS $ROUNDS <<'END' || fail "who follows is told something else than was committed"
import json
import sys

folder, writers, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
seen = {f"file-{i + 1}": [] for i in range(writers)}
last = 0
for line in open(folder + "/followed"):
    commit = json.loads(line)
    assert "lost" not in commit, line
    assert commit["sequence"] > last, line
    last = commit["sequence"]
    for file in commit["files"]:
        if file["path"] in seen:
            seen[file["path"]].append((last, [change for change in file["changes"] if change["kind"] != "grown"]))
for name, commits in seen.items():
    wanted = [line.split() for line in open(f"{folder}/{name}")]
    told = [[str(sequence)] + ["%d-%d" % (change["first"], change["last"]) for change in changes] for sequence, changes in commits if changes]
    assert len(wanted) == rounds, name
    assert told == wanted, f"{name}: {[pair for pair in zip(told, wanted) if pair[0] != pair[1]][:1]}, {len(told)} told"
END
stop_mount
