#!/usr/bin/env bash
# A worker loads no library: its keeper has what it needs. Each next worker would load it anew, while clients wait.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_deaths
start_mount
libraries() { sed -n 's,^[^/]*\(/.*\.so[.0-9]*\)$,\1,p' "/proc/$(stats_value "$1")/maps" | sort -u; }
worker=$(stats_value worker_pid)
kill -9 "$worker"
replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }
wait_until 30 replaced || fail "no next worker"
libraries worker_pid | grep -q libc || fail "not seen: what the worker has loaded"
loaded=$(comm -13 <(libraries keeper_pid) <(libraries worker_pid))
[ -z "$loaded" ] || fail "the worker loads $loaded"
