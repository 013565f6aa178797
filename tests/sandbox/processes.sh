#!/usr/bin/env bash
# What the processes of a mount have given up, as the kernel tells it: the first worker and the next one, root's and an ordinary user's.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr setpriv
[ -z "${SANITIZERS:-}" ] || skip "built with sanitizers, where there is no sandbox"
scratch

worker_bits=00000000880000df # CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID SETGID SETUID MKNOD SETFCAP
probe_bits=000000000000000c  # DAC_READ_SEARCH FOWNER

has() { # PID KEY VALUE
    local value
    value=$(sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status")
    [ "$value" = "$3" ] || fail "process $1: $2 is $value, not $3"
}

confined() { # PID CAPABILITIES: for good
    local set
    for set in CapPrm CapEff CapBnd; do has "$1" $set "$2"; done
    has "$1" CapInh 0000000000000000
    has "$1" CapAmb 0000000000000000
    has "$1" NoNewPrivs 1
    has "$1" Seccomp 2
}

# From no folder that a worker has open is there a way up and out of the store.
stays_in_the_store() { # PID
    local fd folders=0
    for fd in /proc/"$1"/fd/*; do
        [ -d "$fd" ] || continue
        folders=$((folders + 1))
        [ -e "$fd/../../../../../../../../etc/passwd" ] && fail "out of the store by $fd, $(readlink "$fd")"
    done
    [ "$folders" -ge 2 ] || fail "the worker has $folders folders open"
}

look_at_worker() {
    local worker namespace
    worker=$(stats_value worker_pid)
    confined "$worker" $worker_bits
    for namespace in mnt net ipc uts; do
        [ "$(readlink "/proc/$worker/ns/$namespace")" != "$(readlink "/proc/self/ns/$namespace")" ] || fail "the worker's $namespace is ours"
    done
    [ "$(ls -A "/proc/$worker/root/")" = proc ] || fail "the worker's root has $(ls -A "/proc/$worker/root/")"
    [ -e "/proc/$worker/root/proc/sys" ] && fail "the worker sees the kernel's settings"
    touch "/proc/$worker/root/file" 2>/dev/null && fail "the worker's root can be written"
    stays_in_the_store "$worker"
}

replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}

start_mount
look_at_worker
confined "$(stats_value probe_pid)" $probe_bits
grep -q "$MOUNT\|tmpfs.*deleted\|mapshare.*memory" "/proc/$(stats_value probe_pid)/maps" && fail "the probe has the arena mapped"
has "$KEEPER" Seccomp 2
has "$KEEPER" CapEff 00000000882441df # the worker's, SYS_ADMIN, SYS_CHROOT, SETPCAP, IPC_LOCK
wanted=$( (echo -900 >/proc/self/oom_score_adj) 2>/dev/null && echo -900 || cat /proc/self/oom_score_adj)
for pid in "$KEEPER" "$(stats_value worker_pid)"; do
    [ "$(cat "/proc/$pid/oom_score_adj")" = "$wanted" ] || fail "process $pid: where memory runs out it is as $(cat "/proc/$pid/oom_score_adj"), not as $wanted"
done
echo text >"$MOUNT/file"
expect_deaths
first=$(stats_value worker_pid)
kill -9 "$first"
wait_until 20 replaced "$first" || fail "no next worker"
look_at_worker
first=$(stats_value probe_pid)
kill -9 "$first"
probe_replaced() {
    local now
    now=$(stats_value probe_pid) && [ -n "$now" ] && [ "$now" != 0 ] && [ "$now" != "$first" ]
}
wait_until 20 probe_replaced || fail "no next probe"
confined "$(stats_value probe_pid)" $probe_bits
touch -d @1234567890 "$MOUNT/file" # asks the probe
[ "$(stat -c %Y "$MOUNT/file")" = 1234567890 ] || fail "the time that was set is $(stat -c %Y "$MOUNT/file")"
[ "$(cat "$MOUNT/file")" = text ] || fail "the file has other text"
stop_mount

# Where the kernel refuses a part, the rest holds, the mount works, and one line tells.
expect_log 'of the sandbox could not be applied: an empty root \(Operation not permitted\)$'
start_daemon setsid setpriv --bounding-set -sys_chroot "$MAPSHAREFS" -f -o "$DEFAULT_OPTIONS,allow_other" "$STORE" "$MOUNT"
KEEPER=$(stats_value keeper_pid)
[ "$(grep -c 'of the sandbox could not be applied' "$SCRATCH/daemon.log")" = 1 ] || fail "what is missing is not told in one line"
confined "$(stats_value worker_pid)" $worker_bits
[ "$(cat "$MOUNT/file")" = text ] || fail "the file has other text without an empty root"
stop_mount

start_mount sandbox=none
has "$(stats_value worker_pid)" Seccomp 0
has "$(stats_value worker_pid)" NoNewPrivs 0
[ -e "/proc/$(stats_value worker_pid)/root/etc" ] || fail "sandbox=none, and yet the root is empty"
stop_mount

status=0
"$MAPSHAREFS" -o sandbox=some "$STORE" "$MOUNT" 2>"$SCRATCH/refusal" || status=$?
[ "$status" = 2 ] || fail "sandbox=some ends with $status"
grep -q 'sandbox=some: unknown; give full or none' "$SCRATCH/refusal" || fail "refused with: $(cat "$SCRATCH/refusal")"
