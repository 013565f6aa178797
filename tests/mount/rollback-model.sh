#!/usr/bin/env bash
# Several processes change, commit and roll back several files at random, default and atomic ones, while workers are killed: pages, sizes and
# times are those of a model, and after unmounting the store's, too.
. "$(dirname "$0")/../lib.sh"
scratch
expect_deaths
start_mount commit_interval=3600,max_restarts=100000
"$(helper mount/rollback-model)" "$MOUNT" "$PLAIN" "${ROUNDS:-1500}" &
model=$!
kill_later "$model"
while kill -0 "$model" 2>/dev/null; do
    kill -9 "$(stats_value worker_pid)" 2>/dev/null || true
    sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
done
wait "$model" || fail "it differs from the model"
[ "$(stats_value restarts)" -gt 3 ] || fail "the worker hardly died: $(stats_value restarts) times"
echo "$(stats_value restarts) deaths of the worker"
stop_mount
for file in zero one two three; do
    cmp "$PLAIN/$file" "$STORE/$file"
done
