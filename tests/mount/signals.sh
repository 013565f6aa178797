#!/usr/bin/env bash
# No signal but TERM, INT and KILL, sent to any process of a mount, ends it. TERM to the keeper does; a worker and the probe leave it to
# the keeper. HUP to the keeper replaces the program: mount/upgrade.sh.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'the worker was ended by signal (4|5|6|7|8|11|31) '
start_mount max_restarts=1000,commit_interval=600
echo text >"$MOUNT/file"
exec 7<>"$MOUNT/file"

lives() { # SIGNAL WHOM
    [ "$(timeout -k 1 20 cat "$MOUNT/file")" = text ] || fail "$1 to the $2: the file cannot be read"
    [ "$(stats_value keeper_pid)" = "$KEEPER" ] || fail "$1 to the $2: the keeper is another"
    [ "$(stats_value worker_pid)" = "$worker" ] || fail "$1 to the $2: the worker is another"
    [ "$(stats_value probe_pid)" = "$probe" ] || fail "$1 to the $2: the probe is another"
}

worker=$(stats_value worker_pid)
probe=$(stats_value probe_pid)
faults=' ILL TRAP ABRT BUS FPE SEGV SYS '
ended=0
for signal in $(kill -l | tr '\t' '\n' | sed -n 's/.*SIG\([A-Z0-9]*\)$/\1/p') RTMIN RTMAX; do
    case $signal in KILL | STOP | CONT | CHLD) continue ;; esac
    case $signal in TERM | INT | HUP) ;; *) kill -s "$signal" "$KEEPER"; lives "$signal" keeper ;; esac
    kill -s "$signal" "$probe"
    lives "$signal" probe
    case $faults in *" $signal "*) continue ;; esac
    kill -s "$signal" "$worker"
    lives "$signal" worker
    ended=$((ended + 1))
done
[ "$ended" -ge 20 ] || fail "only $ended signals were tried"

# A fault's signal ends a worker, as a fault would.
replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }
[ -z "${SANITIZERS:-}" ] || { skip_part "a sanitizer tells of faults"; faults=; }
for signal in $faults; do
    kill -s "$signal" "$worker"
    wait_until 20 replaced || fail "$signal: no next worker"
    worker=$(stats_value worker_pid)
    lives "$signal" worker
done
exec 7<&-
kill -s TERM "$KEEPER"
wait_gone 30 "$KEEPER" || fail "TERM does not end the mount"
is_mounted "$MOUNT" && fail "TERM: still mounted"
[ "$(cat "$STORE/file")" = text ] || fail "TERM: the store is not complete"
