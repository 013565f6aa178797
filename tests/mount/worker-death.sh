#!/usr/bin/env bash
# The worker is killed ten times under load: no client sees an error, nothing is lost, every operation takes effect once.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'cache_size is used up: pages go to the spill file'
expect_deaths
start_mount max_restarts=1000,cache_size=16M,journal_size=4M,commit_interval=1 # small, so that frames are evicted too
coproc LOAD { exec "$(helper mount/worker-load)" "$MOUNT" "$PLAIN" 2>"$SCRATCH/load.log"; }
load=$LOAD_PID
kill_later "$load"
read -r _ <&"${LOAD[0]}"
replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}
RANDOM=${SEED:=$((RANDOM))}
echo "seed: SEED=$SEED" >&2
for death in 1 2 3 4 5 6 7 8 9 10; do
    worker=$(stats_value worker_pid)
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    kill -9 "$worker"
    wait_until 10 replaced "$worker" || fail "no new worker after death $death"
    process_gone "$load" && break
done
kill -TERM "$load" 2>/dev/null || true
wait "$load" || { cat "$SCRATCH/load.log" >&2; fail "a client noticed (after death $death)"; }
cat "$SCRATCH/load.log"
[ "$(stats_value restarts)" = 10 ] || fail "restarts is $(stats_value restarts)"
[ "$(stats_value keeper_pid)" = "$KEEPER" ] || fail "the keeper changed"
stop_mount
for file in "$PLAIN"/stored-*; do
    cmp "$file" "$STORE/$(basename "$file")" || fail "the store lost bytes"
done
