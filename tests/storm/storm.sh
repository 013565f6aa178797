#!/usr/bin/env bash
# Many kinds of clients at once, each of which knows what must be there, while the daemon is hurt at random moments: its processes are
# killed and stopped, get signals, the kernel's caches are dropped. No client sees an error; at the end each finds what it was told,
# on the mount and in the store.
# ROUNDS: how many workers are killed. SEED: the moments and the hurts again; not how the processes then run.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr setfattr setsid
scratch
[ -z "${SANITIZERS:-}" ] || ROUNDS=${ROUNDS:-50} # they take their time
ROUNDS=${ROUNDS:-100}
export SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$SEED
echo "seed: SEED=$SEED ROUNDS=$ROUNDS" >&2
expect_log 'cache_size is used up: pages go to the spill file'
expect_deaths
expect_log 'the keeper was ended; its stand-by keeps the mount from now on' 'the program was replaced: mapsharefs ' \
    'not replaced by what is on disk: ' "the new program's worker "
start_mount max_restarts=1000000,cache_size=32M,journal_size=8M,commit_interval=1 # small, so that frames are evicted and the journal is used again

# Clients: each is a command, to which run or check, its folder and one for its notes are added.
declare -A commands pids
client() { # NAME COMMAND...
    local name=$1
    shift
    commands[$name]=$*
    mkdir -p "$MOUNT/$name" "$SCRATCH/notes/$name"
    setsid "$@" run "$MOUNT/$name" "$SCRATCH/notes/$name" >"$SCRATCH/$name.out" 2>"$SCRATCH/$name.log" &
    pids[$name]=$!
    kill_later "-$!" # with what it has started
}
check_clients() { # FOLDER
    local name
    for name in "${!commands[@]}"; do
        # shellcheck disable=SC2086
        ${commands[$name]} check "$1/$name" "$SCRATCH/notes/$name" || fail "$name: $(basename "$1") is not what the client was told"
    done
}
compile_lmdb() {
    # shellcheck disable=SC2086
    ${CC:-cc} -D_GNU_SOURCE -O2 "$TEST_FOLDER/storm/lmdb.c" -o "$SCRATCH/lmdb" -llmdb 2>"$SCRATCH/compile.log"
}
for name in append churn counters group snapshots; do
    client "$name" "$(helper "storm/$name")"
done
client data bash "$TEST_FOLDER/storm/data.sh" "$(helper mount/random-ops)"
if command -v sqlite3 >/dev/null; then client sqlite bash "$TEST_FOLDER/storm/sqlite.sh"; else skip_part "no program sqlite3"; fi
if command -v fio >/dev/null; then client fio bash "$TEST_FOLDER/storm/fio.sh"; else skip_part "no program fio"; fi
if compile_lmdb; then client lmdb "$SCRATCH/lmdb"; else skip_part "cannot compile against liblmdb: $(head -n 1 "$SCRATCH/compile.log")"; fi

# Hurts: each is a function. What ends a worker, sent to the one that serves, counts it. (RANDOM of a subshell has another seed.)
kills=0
one_of() { # WORD...: leaves one of them in $one
    shift $((RANDOM % $#))
    one=$1
}
pause() { # FROM TO: milliseconds
    local seconds
    printf -v seconds '0.%03d' $(($1 + RANDOM % ($2 - $1 + 1)))
    sleep "$seconds"
}
has() { # NAME: a number of stats, left in $value, of a process that there is
    value=$(stats_value "$1") && [ "${value:-0}" != 0 ]
}
find_process() { # worker_pid|probe_pid
    wait_until 120 has "$1" || fail "no $1 after $kills kills"
}
kill_worker() {
    find_process worker_pid
    if kill -9 "$value" 2>/dev/null; then kills=$((kills + 1)); fi
}
# The next one, too, as soon as there is a process that was not there before.
kill_next_worker() {
    local before next
    find_keeper
    before=" $(children_of "$KEEPER" | xargs) "
    kill_worker
    wait_until 20 new_child || return 0
    pause 0 30
    kill -9 "$next" 2>/dev/null || true
}
new_child() {
    for next in $(cat "/proc/$KEEPER/task/$KEEPER/children" || children_of "$KEEPER"); do
        [[ $before == *" $next "* ]] || return 0
    done
    return 1
}
stop_worker() {
    local worker
    find_process worker_pid
    worker=$value
    kill -STOP "$worker" 2>/dev/null || true
    pause 0 500
    if kill -9 "$worker" 2>/dev/null; then kills=$((kills + 1)); fi
}
hurt_probe() {
    find_process probe_pid
    one_of KILL STOP
    kill -s "$one" "$value" 2>/dev/null || true
}
hurt_lane() {
    local lanes signal
    find_process probe_pid
    lanes=$(children_of "$value")
    one_of KILL STOP
    signal=$one
    # shellcheck disable=SC2086
    [ -z "$lanes" ] || { one_of $lanes; kill -s "$signal" "$one" 2>/dev/null || true; }
}
send_signal() {
    local signal
    find_process worker_pid
    one_of USR1 USR2 ALRM PIPE QUIT XFSZ IO PROF
    signal=$one
    one_of "$value" "$KEEPER"
    kill -s "$signal" "$one" 2>/dev/null || true
}
# It changes also where a hurt meets an upgrade.
find_keeper() {
    find_process keeper_pid
    [ "$value" = "$KEEPER" ] || USED_KEEPERS+=("$value")
    KEEPER=$value
}
kill_keeper() { # NAME...: and these processes with it, by their names in stats
    local name doomed
    find_keeper
    doomed=("$KEEPER")
    for name in "$@"; do
        find_process "$name"
        doomed+=("$value")
    done
    wait_until 120 has standby_pid || fail "nobody stands by after $kills kills"
    kill -9 "${doomed[@]}" 2>/dev/null || true
    wait_until 120 has_other_keeper || fail "no next keeper after $kills kills"
    find_keeper
}
has_other_keeper() {
    has keeper_pid && [ "$value" != "$KEEPER" ]
}
kill_keeper_and_worker() {
    kill_keeper worker_pid
}
hurt_standby() {
    has standby_pid || return 0
    one_of KILL STOP
    kill -s "$one" "$value" 2>/dev/null || true
}
upgrade() { # not waited for: the next hurt may come amid it
    find_keeper
    kill -HUP "$KEEPER"
}
drop_caches() {
    echo 3 >/proc/sys/vm/drop_caches
}

hurts=(kill_worker kill_worker kill_worker kill_next_worker stop_worker) # as often as it shall come
hurts+=(hurt_probe)
hurts+=(hurt_lane)
hurts+=(send_signal)
hurts+=(kill_keeper kill_keeper_and_worker hurt_standby)
hurts+=(upgrade)
if is_root && [ -w /proc/sys/vm/drop_caches ]; then hurts+=(drop_caches); else skip_part "the kernel's caches cannot be dropped"; fi

all_run() {
    local name
    for name in "${!pids[@]}"; do
        process_gone "${pids[$name]}" || continue
        cat "$SCRATCH/$name.log" >&2
        fail "$name has ended after $kills kills"
    done
}
declare -A times
while [ "$kills" -lt "$ROUNDS" ]; do
    pause 20 300
    one_of "${hurts[@]}"
    times[$one]=$((${times[$one]:-0} + 1))
    $one
    all_run
done

kill -TERM "${pids[@]}"
for name in "${!pids[@]}"; do
    wait "${pids[$name]}" || { cat "$SCRATCH/$name.log" >&2; fail "$name saw an error"; }
    echo "$name: $(cat "$SCRATCH/$name.out") told"
done
replaced=$(($(stats_value restarts) + $(stats_value keeper_restarts) + $(stats_value upgrades)))
[ "$replaced" -ge "$kills" ] || fail "$kills workers were killed, $replaced are said to have been replaced"
find_keeper
for hurt in "${!times[@]}"; do echo "$hurt: ${times[$hurt]} times"; done
echo "$kills kills, $(stats_value restarts) deaths of the worker, $(du -sm "$STORE" | cut -f1) MiB"
check_clients "$MOUNT"
"$MAPSHARE" unmount "$MOUNT" || fail "unmount is not complete"
wait_gone 30 "$KEEPER" || fail "the daemon is still there"
[ "$("$MAPSHARE" journal "$STORE")" = "0 records, 0 commits" ] || fail "the journal is not empty: $("$MAPSHARE" journal "$STORE")"
[ -z "$(ls -A "$STORE/.mapshare/removed")" ] || fail "removed files are left: $(ls -lA "$STORE/.mapshare/removed")"
check_clients "$STORE"
