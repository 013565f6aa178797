#!/usr/bin/env bash
# The life of a stand-by on one machine, with an etcd of its own: it becomes the holder, fences who is on record, renews, stops when the lease is gone,
# proves that it has nothing open, leaves in order. Machines that fail are in takeover.sh.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program etcd etcdctl getfattr
STANDBY=${MAPSHARE_STANDBY:-$(find_built mapshare-standby)} || skip "mapshare-standby is not built (libcurl is missing)"
WRITER=$(helper reach/writer)
scratch
port=$((20000 + RANDOM % 10000))
ETCD=http://127.0.0.1:$port
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=$ETCD
env ETCD_UNSUPPORTED_ARCH= etcd --data-dir "$SCRATCH/etcd" --listen-client-urls "$ETCD" --advertise-client-urls "$ETCD" \
    --listen-peer-urls "http://127.0.0.1:$((port + 1))" >"$SCRATCH/etcd.log" 2>&1 &
kill_later $!
disown $!
wait_until 30 etcdctl endpoint health || fail "etcd does not run: $(tail -n 2 "$SCRATCH/etcd.log")"

# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$1 $2" >>%s\n[ "$1" = "${REFUSE:-}" ] && exit 1\nexit 0\n' "$SCRATCH/hooked" >"$SCRATCH/hook"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$1" >>%s\n' "$SCRATCH/clients-said" >"$SCRATCH/clients"
chmod +x "$SCRATCH"/{hook,clients}
LOG=$SCRATCH/log

start() { # HOST
    : >"$LOG"
    : >"$SCRATCH/hooked"
    USED_MOUNTS=("$MOUNT")
    setsid "$STANDBY" --etcd="http://127.0.0.1:1,$ETCD" --name=test --host="$1" --hook="$SCRATCH/hook" --clients="$SCRATCH/clients" --lease=2 \
        --patience=10 -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" >"$LOG" 2>&1 </dev/null &
    PID=$!
    kill_later "$PID"
}
ended() { # STATUS
    local status=0
    wait_gone 30 "$PID" || fail "it does not end: $(cat "$LOG")"
    wait "$PID" || status=$?
    [ "$status" = "$1" ] || fail "it ended with $status, not $1: $(cat "$LOG")"
    ! is_mounted "$MOUNT" || fail "it is mounted still"
}
ask() {
    "$STANDBY" --etcd="$ETCD" --name=test --patience=5 "$@"
}
serves() { # it does, in the state that --status tells
    wait_until 30 grep -q ' serves ' "$LOG" || fail "it does not serve: $(cat "$LOG")"
    ask --status --json >"$SCRATCH/status"
    grep -q '"state": *"serving"' "$SCRATCH/status" || fail "--status says $(cat "$SCRATCH/status")"
    [ "$(stats_value generation)" = "$(sed -n 's/.*"generation": *\([0-9]*\),.*/\1/p' "$SCRATCH/status")" ] || fail "the mount has another generation"
}
leave() {
    kill -TERM "$PID"
    ended 0
}

helped=$("$STANDBY" --help | grep -oE -e '--[a-z]+' | sort -u)
shown=$(grep -o 'Fl -[a-z]*' "${top_srcdir:-$TEST_FOLDER/..}/man/mapshare-standby.8" | sed 's/Fl /-/' | sort -u)
[ "$helped" = "$shown" ] || fail "mapshare-standby(8) has other options than --help: $(diff <(echo "$helped") <(echo "$shown"))"

# A machine that nobody knows of, on a store that is new.
start a
serves
first=$(stats_value generation)
[ ! -s "$SCRATCH/hooked" ] || fail "somebody was fenced: $(cat "$SCRATCH/hooked")"
"$WRITER" write "$MOUNT/numbers" "$SCRATCH/acks" &
writer=$!
kill_later $writer
wait_until 30 grep -q '^[0-9]' "$SCRATCH/acks" || fail "nothing is committed"
! ask --switch >"$SCRATCH/said" 2>&1 || fail "it is handed over to nobody"
grep -q 'nobody stands by' "$SCRATCH/said" || fail "--switch says $(cat "$SCRATCH/said")"
! "$STANDBY" --etcd="$ETCD" --name=test --host=b --hook=true "$STORE" "$MOUNT" 2>"$SCRATCH/said" || fail "two run for one store"
grep -q 'another mapshare-standby of this machine' "$SCRATCH/said" || fail "of the other one is said $(cat "$SCRATCH/said")"

# The lease goes: clients get errors, and nothing more is acknowledged.
lease=$(etcdctl get mapshare/test/holder -w json | sed 's/.*"lease":\([0-9]*\).*/\1/')
etcdctl lease revoke "$(printf %x "$lease")" >/dev/null
ended 3
last=$(grep '^[0-9]' "$SCRATCH/acks" | tail -n 1)
grep -q 'the lease is lost' "$LOG" || fail "it says $(cat "$LOG")"
kill -TERM $writer 2>/dev/null || true
wait_gone 20 $writer || fail "the writer hangs"

# It is on record, and without a proof it takes no part.
REFUSE=unfence start a
ended 1
grep -q 'a may still have the store open' "$LOG" || fail "it says $(cat "$LOG")"
start a
serves
[ "$(cat "$SCRATCH/hooked")" = "unfence a" ] || fail "the hook was asked $(cat "$SCRATCH/hooked")"
[ "$(stats_value generation)" -gt "$first" ] || fail "the generation is not higher"
[ "$("$WRITER" check "$MOUNT/numbers")" -ge "$last" ] || fail "$last was acknowledged, there is $("$WRITER" check "$MOUNT/numbers")"
leave
[ "$(paste -sd' ' "$SCRATCH/clients-said")" = "start start stop" ] || fail "the clients were told $(cat "$SCRATCH/clients-said")"
etcdctl get mapshare/test/ --prefix --keys-only >"$SCRATCH/keys"
[ ! -s "$SCRATCH/keys" ] || fail "it left on record $(cat "$SCRATCH/keys")"

# Another machine may have it open: without a fence nothing is mounted, and with one it is.
etcdctl put mapshare/test/user/other '{"generation": 1}' >/dev/null
REFUSE=verify start a
ended 1
grep -q 'hook verify other failed' "$LOG" || fail "it says $(cat "$LOG")"
start a
serves
[ "$(paste -sd, "$SCRATCH/hooked")" = "unfence a,fence other,verify other" ] || fail "the hook was asked $(cat "$SCRATCH/hooked")"
ask --status | grep -q "^fenced  *other by generation $(stats_value generation)\$" || fail "--status says $(ask --status)"
# Its daemon ends: so does it.
kill_all $(daemon_pids)
ended 1
grep -q 'the daemon has ended' "$LOG" || fail "it says $(cat "$LOG")"
