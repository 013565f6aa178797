#!/usr/bin/env bash
# An ordinary user's daemon gives up what can be given up without privilege, says what it could not, and unmounts all the same.
. "$(dirname "$0")/../lib.sh"
need_fuse_for_all "$0"
need_mount
need_program getfattr sqlite3
[ -z "${SANITIZERS:-}" ] || skip "built with sanitizers, where there is no sandbox"
scratch
start_user_mount
for which in worker probe; do
    pid=$(user_stats_value "${which}_pid")
    grep -q '^Seccomp:[[:space:]]2' "/proc/$pid/status" || fail "the $which has no filter"
    grep -q '^NoNewPrivs:[[:space:]]1' "/proc/$pid/status" || fail "the $which may get new privileges"
done
grep -q 'of the sandbox could not be applied: .*namespaces and an empty root' "$SCRATCH/daemon.log" || fail "what is missing is not told"
[ "$(as_user sqlite3 "$MOUNT/base" 'create table t(a); insert into t values(7); select a from t')" = 7 ] || fail "SQLite does not work"
stop_mount
[ "$(sqlite3 "$STORE/base" 'select a from t')" = 7 ] || fail "the store has not what SQLite wrote"
