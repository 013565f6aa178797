#!/usr/bin/env bash
# follow prints what was committed, of a file or of all; who falls behind is told, and no other user sees others' names. trace tells what else happens.
. "$(dirname "$0")/lib.sh"
need_program python3 getfattr
scratch
expect_deaths
start_mount commit_interval=3600,noatime

run() { # NAME COMMAND...: in the background, its output in $SCRATCH/NAME
    "$MAPSHARE" "${@:2}" >"$SCRATCH/$1" 2>"$SCRATCH/$1.errors" &
    RUNNING[$1]=$!
    kill_later $!
}
declare -A RUNNING
says() { # NAME TEXT
    grep -q -e "$2" "$SCRATCH/$1"
}
expect_says() { # NAME TEXT
    wait_until 30 says "$1" "$2" || fail "$1 does not say '$2': $(cat "$SCRATCH/$1" "$SCRATCH/$1.errors")"
}

truncate -s 40960 "$MOUNT/a"
mapshare sync "$MOUNT/a" >/dev/null # commit 1
run all follow --since=1 "$MOUNT"
run json follow --json --since=1 "$MOUNT"
run one follow --since=1 "$MOUNT/a"
run trace trace "$MOUNT"
wait_until 30 eval '[ "$(stats_value user_0_waiting)" = 4 ]' || fail "they do not wait for commits"
dd if=/dev/urandom of="$MOUNT/a" bs=4096 seek=2 count=2 conv=notrunc,fsync 2>/dev/null
expect_says all "^2  .*  a  40960 bytes  2-3$"
expect_says trace "commit 2: a, 2 pages"
odd=$'odd\n"name'
dd if=/dev/urandom of="$MOUNT/$odd" bs=4096 count=1 conv=fsync 2>/dev/null
fallocate -p -o 8192 -l 4096 "$MOUNT/a"
truncate -s 8193 "$MOUNT/a"
mapshare sync "$MOUNT/a" >/dev/null
expect_says all '^3  .*  odd\\012"name  4096 bytes  grown:0 0$'
expect_says all "^4  .*  a  40960 bytes  hole:2$" # fallocate(1) syncs
expect_says all "^5  .*  a  8193 bytes  cut:2- 2$"
expect_says one "^5  .*  $MOUNT/a  8193 bytes  cut:2- 2$"
! says one "^3" || fail "a file's feed has commits of others"
expect_says json '"sequence":5'
python3 - "$SCRATCH/json" <<'END' || fail "the JSON is not what was committed"
import json
import sys

commits = [json.loads(line) for line in open(sys.argv[1])]
assert [commit["sequence"] for commit in commits] == [2, 3, 4, 5], commits
assert commits[0]["files"][0]["changes"] == [{"kind": "stored", "first": 2, "last": 3}], commits[0]
assert commits[1]["files"][0]["path"] == 'odd\n"name', commits[1]
assert commits[3]["files"][0]["changes"][0] == {"kind": "cut", "first": 2}, commits[3]
END

kill -9 "$(stats_value worker_pid)"
expect_says trace "death the worker was ended by signal 9 (Killed)"
expect_says trace "takeover worker [0-9]* serves, after 1 deaths"
echo x >>"$MOUNT/a"
mapshare rollback "$MOUNT/a" >/dev/null
expect_says trace "rollback a"
expect_says trace "checkpoint [0-9]* pages in "

run behind follow --since=0 "$MOUNT/a"
expect_says behind "^1  "
run ahead follow --json --since=1000 "$MOUNT/a"
expect_says ahead '{"lost":true,"after":1000,"upto":5}'
kill "${RUNNING[@]}"
wait "${RUNNING[@]}" || true

chmod 700 "$MOUNT/a"
chmod 755 "$MOUNT"
for refused in "follow $MOUNT" "follow $MOUNT/a" "trace $MOUNT" "follow $PLAIN" "trace $PLAIN"; do
    # shellcheck disable=SC2086
    ! said=$(as_user timeout 20 "$MAPSHARE" $refused 2>&1) || fail "an ordinary user may: $refused"
    [[ $said == *": "*";"* ]] || fail "$refused says: $said"
done
stop_mount
