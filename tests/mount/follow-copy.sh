#!/usr/bin/env bash
# A copy that is followed has each commit of three files whole or not at all for its readers, while the follower, its far side and the workers of both
# are killed; in the end it is as its source.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_tool
need_program getfattr rsync
# shellcheck source=../follow.sh
. "$(dirname "$0")/../follow.sh"
scratch
expect_deaths
ROUNDS=${ROUNDS:-1}
start_mount max_restarts=1000,commit_interval=3600
start_far max_restarts=1000

follow_in_background
program=$(helper mount/follow)
"$program" write "$MOUNT" "$SCRATCH/written" 2>"$SCRATCH/writer.log" &
writer=$!
kill_later $writer
wait_until 30 test -s "$FAR/.mapshare-follow/state" || fail "nothing is copied: $(cat "$SCRATCH/follower.log")"
"$program" read "$FAR" "$FAR/.mapshare-follow/state" "$SCRATCH/seen" 2>"$SCRATCH/reader.log" >"$SCRATCH/reader.said" &
reader=$!
kill_later $reader

number() { # FILE
    local text
    text=$(cat "$1" 2>/dev/null) && [ -n "$text" ] && echo $((10#$text)) || echo 0
}
more_seen() { # THAN
    process_gone $reader || [ "$(number "$SCRATCH/seen")" -gt "$1" ]
}
wait_for_more() {
    wait_until 60 more_seen $(($(number "$SCRATCH/seen") + 3)) || fail "the copy stands still: $(tail -n 5 "$SCRATCH/follower.log")"
    ! process_gone $reader || fail "the reader ended: $(cat "$SCRATCH/reader.log")"
    ! process_gone $writer || fail "the writer ended: $(cat "$SCRATCH/writer.log")"
}
wait_for_more
for _ in $(seq "$ROUNDS"); do
    kill -9 "$(stats_value worker_pid "$FAR")"
    wait_for_more
    kill -9 $FOLLOWER
    wait $FOLLOWER || true
    follow_in_background
    wait_for_more
    kill -9 "$(stats_value worker_pid)"
    wait_for_more
    kill -9 "$(children_of $FOLLOWER)"
    wait_for_more
done
kill $reader $writer
wait $writer || fail "the writer: $(cat "$SCRATCH/writer.log")"
wait $reader || fail "the reader: $(cat "$SCRATCH/reader.log")"
cat "$SCRATCH/reader.said"
kill $FOLLOWER
wait $FOLLOWER || true
wait_gone 20 $(far_receivers) || fail "the far side does not end"
find "$MOUNT" -type f -exec "$MAPSHARE" sync {} + >/dev/null
"$MAPSHARE" follow --once --to "$FAR" "$MOUNT" || fail "the last time"
same_as_source
stop_far
stop_mount
