#!/usr/bin/env bash
# A service manager is told when the mount can be used, which process stands by, that the program is replaced, that the keeper lives, and the end; never by
# a worker, and not of a mount in the background.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_program getfattr python3
scratch
expect_log 'the keeper was ended; its stand-by keeps the mount' 'the program was replaced'
expect_deaths
socket=$SCRATCH/manager
told=$SCRATCH/told
python3 "$TEST_FOLDER/mount/manager.py" "$socket" >"$told" &
kill_later $!
wait_until 20 test -S "$socket" || fail "nobody listens"
export NOTIFY_SOCKET=$socket

was_told() { # REGEX: since the last time
    wait_until 20 grep -qE "$1" "$told" || fail "$1 was not told, only: $(cat "$told")"
    : >"$told"
}
names_standby() {
    grep -qE "^READY=1 MAINPID=$(stats_value standby_pid) STATUS=mapsharefs [0-9.]+ serves; $1 restarts( WATCHDOG=1)?$" "$told"
}

WATCHDOG_USEC=2000000 start_mount
wait_until 20 names_standby 0 || fail "readiness was not told, only: $(cat "$told")"
was_told 'WATCHDOG=1'
was_told 'WATCHDOG=1' # again
for descriptor in /proc/"$(stats_value worker_pid)"/fd/*; do
    inode=$(readlink "$descriptor" | sed -n 's/^socket:\[\(.*\)\]$/\1/p')
    [ -z "$inode" ] || ! grep -qE " $inode .*$socket" /proc/net/unix || fail "a worker has the manager's socket"
done

kill -9 "$(stats_value worker_pid)"
wait_until 20 names_standby 1 || fail "the worker's death was not told: $(cat "$told")"
kill -9 "$KEEPER"
gone=$KEEPER
wait_until 20 eval '[ "$(stats_value keeper_pid)" != "$gone" ] && names_standby 1' || fail "the next stand-by was not told: $(cat "$told")"
KEEPER=$(stats_value keeper_pid)
USED_KEEPERS+=("$KEEPER")

: >"$told"
"$MAPSHARE" upgrade "$MOUNT" >/dev/null
wait_until 20 names_standby 1 || fail "the end of the upgrade was not told: $(cat "$told")"
was_told '^RELOADING=1 '

stop_mount
was_told "^STOPPING=1 MAINPID=$KEEPER$"

start_mount
wait_until 20 names_standby 0 || fail "a second mount is not told of"
kill -TERM "$KEEPER"
was_told '^STOPPING=1 MAINPID=[0-9]+ STATUS=.* unmounts; '
wait_gone 30 "$KEEPER" || fail "the keeper did not exit"

: >"$told"
start_mount_in_background
stop_mount
[ ! -s "$told" ] || fail "a mount in the background told $(cat "$told")"
kill "${USED_PROCESSES[0]}"
wait_gone 10 "${USED_PROCESSES[0]}"
expect_log "$socket: the service manager does not read what it is told \(NOTIFY_SOCKET\)"
start_mount
wait_until 20 grep -q 'the service manager does not read' "$SCRATCH/daemon.log" || fail "that nobody listens is not said"
stop_mount
