#!/usr/bin/env bash
# For a while no process can be made when the worker dies: the keeper tries until one can, clients wait, nothing is lost. The same for the
# probe, and for the process that unmounts.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
expect_log 'no worker can be started now'
expect_deaths

make_group() {
    local folder
    for folder in /sys/fs/cgroup/pids /sys/fs/cgroup "$SCRATCH/groups"; do
        [ "$folder" = "$SCRATCH/groups" ] && { mkdir "$folder"; mount -t cgroup2 none "$folder" 2>/dev/null || continue; USED_LOOPS+=("$folder"); }
        GROUP=$folder/mapshare-test-$$
        mkdir "$GROUP" 2>/dev/null || continue
        [ -e "$GROUP/pids.max" ] && return 0
        rmdir "$GROUP"
    done
    return 1
}

leave_group() {
    local pid
    echo max >"$GROUP/pids.max"
    for pid in $(cat "$GROUP/cgroup.procs"); do echo "$pid" >"$GROUP/../cgroup.procs"; done
    wait_until 10 rmdir "$GROUP"
}

make_group || skip "no pids controller of cgroups"
trap 'ended=$?; leave_group || true; clean_up $ended' EXIT
start_mount max_restarts=20,commit_interval=600
echo text >"$MOUNT/file"
worker=$(stats_value worker_pid)
probe=$(stats_value probe_pid)
for pid in "$KEEPER" "$worker" "$probe"; do echo "$pid" >"$GROUP/cgroup.procs"; done
# Threads count: once the dead ones are gone, one process, the keeper, is left and is the limit.
echo 1 >"$GROUP/pids.max"
kill -9 "$worker" "$probe"
exec 7< <(exec timeout -k 1 60 cat "$MOUNT/file")
alone() { [ "$(cat "$GROUP/pids.current")" = 1 ]; }
wait_until 20 alone || fail "the dead ones stay: $(cat "$GROUP/pids.current")"
refusals=$(sed -n 's/^max //p' "$GROUP/pids.events")
refused_again() { [ "$(sed -n 's/^max //p' "$GROUP/pids.events")" -gt $((refusals + 2)) ]; }
wait_until 20 refused_again || fail "the keeper does not try again: $(cat "$GROUP/pids.events")"
process_gone "$KEEPER" && fail "the keeper gave up"
echo max >"$GROUP/pids.max"
[ "$(cat <&7)" = text ] || fail "what was not committed is lost"
exec 7<&-
back() { [ "$(stats_value probe_pid)" != 0 ] && [ "$(stats_value probe_pid)" != "$probe" ]; }
wait_until 20 back || fail "no next probe"
[ "$(attribute dirty.kernel "$MOUNT/file")" = 0 ] || fail "the next probe does not answer"

# A process can be made, but not its threads.
worker=$(stats_value worker_pid)
threads=$(ls "/proc/$worker/task" | wc -l)
echo $(($(cat "$GROUP/pids.current") - threads + 2)) >"$GROUP/pids.max"
refusals=$(sed -n 's/^max //p' "$GROUP/pids.events")
kill -9 "$worker"
many_refusals() { [ "$(sed -n 's/^max //p' "$GROUP/pids.events")" -gt $((refusals + 30)) ]; }
wait_until 20 many_refusals || fail "the keeper does not try again: $(cat "$GROUP/pids.events")"
process_gone "$KEEPER" && fail "the keeper gave up for lack of threads"
echo max >"$GROUP/pids.max"
[ "$(timeout -k 1 60 cat "$MOUNT/file")" = text ] || fail "for lack of threads something is lost"

# Unmounting.
refusals=$(sed -n 's/^max //p' "$GROUP/pids.events")
cat "$GROUP/pids.current" >"$GROUP/pids.max"
kill -TERM "$KEEPER"
wait_until 20 refused_again || fail "the keeper does not try to unmount again"
echo max >"$GROUP/pids.max"
wait_gone 30 "$KEEPER" || fail "the signal was forgotten"
[ "$(cat "$STORE/file")" = text ] || fail "the store is not complete"
