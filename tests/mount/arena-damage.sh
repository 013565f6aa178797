#!/usr/bin/env bash
# One record of each kind in the daemon's memory is damaged under load, and the worker killed: that file is refused and says so, mapshare verify
# names it, and nobody else notices. The next mount brings back what was committed of it.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_root
need_program getfattr python3
scratch
expect_deaths
expect_log 'inode [0-9]+: its record in memory is damaged \(.*\): nothing of it is written to the store any more' \
    'files whose records were damaged are not as they were: the next mount brings back' \
    "the journal's room is needed: what was committed of this damaged file"
start_mount max_restarts=1000,cache_size=64M,journal_size=512M,commit_interval=600
kinds="inode file frame handle"
replaced() { # PID
    local now
    now=$(stats_value worker_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}
damaged() { # KIND: of `mapshare verify`'s count
    "$MAPSHARE" verify --json "$MOUNT" 2>/dev/null | python3 -c "import json, sys; print(json.load(sys.stdin)['$1']['damaged'])"
}

# Committed pages, and one that is not.
declare -A open
for kind in $kinds name; do
    head -c 40960 /dev/zero | tr '\0' a >"$MOUNT/$kind"
    sync "$MOUNT/$kind"
    exec {fd}<>"$MOUNT/$kind"
    open[$kind]=$fd
done
coproc LOAD { exec "$(helper mount/worker-load)" "$MOUNT" "$PLAIN" 2>"$SCRATCH/load.log"; }
load=$LOAD_PID
kill_later "$load"
read -r _ <&"${LOAD[0]}"
for _ in {1..30}; do
    "$MAPSHARE" verify "$MOUNT" >"$SCRATCH/sound" || fail "nothing is damaged, but verify says: $(cat "$SCRATCH/sound")"
done
for kind in $kinds; do
    number=$(stat -c %i "$MOUNT/$kind")
    printf b | dd of="$MOUNT/$kind" bs=1 seek=20480 conv=notrunc status=none
    "$(helper mount/damage-arena)" "$KEEPER" "$kind" "$number"
    if "$MAPSHARE" verify "$MOUNT" >"$SCRATCH/said" 2>&1; then fail "verify does not see the $kind: $(cat "$SCRATCH/said")"; fi
    grep -q "^damaged: inode $number$" "$SCRATCH/said" || fail "verify does not name $kind ($number): $(cat "$SCRATCH/said")"
    for death in 1 2; do
        [ "$(attribute error "$MOUNT/$kind")" = EUCLEAN ] || fail "$kind, death $death: error is $(attribute error "$MOUNT/$kind")"
        if sync "$MOUNT/$kind" 2>/dev/null; then fail "$kind, death $death: it can be synced"; fi
        if cat "$MOUNT/$kind" >/dev/null 2>&1 && [ "$death" = 2 ]; then fail "$kind, death $death: it can be read"; fi
        worker=$(stats_value worker_pid)
        kill -9 "$worker"
        wait_until 10 replaced "$worker" || fail "$kind: no new worker after death $death"
        process_gone "$load" && break
        echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
    done
done
[ "$(damaged files)" = 4 ] || fail "verify counts $(damaged files) damaged files, not 4"
[ "$(damaged inodes)" = 1 ] || fail "verify counts $(damaged inodes) damaged inodes, not 1"

# A name alone is forgotten; its file goes on.
number=$(stat -c %i "$MOUNT/name")
"$(helper mount/damage-arena)" "$KEEPER" name "$number"
[ "$(damaged names)" = 1 ] || fail "verify does not see the name"
[ "$(damaged names)" = 0 ] || fail "verify sees the name again"
[ "$(attribute error "$MOUNT/name")" = none ] || fail "the file whose name was damaged is damaged"
sync "$MOUNT/name"
kill -TERM "$load" 2>/dev/null || true
wait "$load" || { cat "$SCRATCH/load.log" >&2; fail "a client noticed"; }
cat "$SCRATCH/load.log"

# Others may not ask.
if as_user "$MAPSHARE" verify "$MOUNT" >"$SCRATCH/said" 2>&1; then fail "an ordinary user may verify root's mount"; fi
grep -q 'Operation not permitted' "$SCRATCH/said" || fail "an ordinary user is told: $(cat "$SCRATCH/said")"
for kind in $kinds name; do
    fd=${open[$kind]}
    exec {fd}>&-
done
if "$MAPSHARE" unmount "$MOUNT" 2>"$SCRATCH/said"; then fail "unmount does not tell that files were damaged"; fi
wait_gone 30 "$KEEPER" || fail "the daemon did not finish"
for file in "$PLAIN"/stored-*; do
    cmp "$file" "$STORE/$(basename "$file")" || fail "the store lost bytes"
done

expect_recovery
expect_log "recovery: writing the store's files: [0-9]+ of [0-9]+ MiB"
start_mount
given_up=$(grep -c "the journal's room is needed" "$SCRATCH/daemon.log" || true)
[ "$given_up" = 0 ] || skip_part "the load needed the journal's room: what was committed of the damaged files is not expected"
for kind in $kinds; do
    [ "$given_up" != 0 ] || [ "$(tr -d a <"$MOUNT/$kind" | wc -c) $(wc -c <"$MOUNT/$kind")" = '0 40960' ] || fail "$kind is not as it was committed"
    [ "$(attribute error "$MOUNT/$kind")" = none ] || fail "$kind is damaged in the next mount"
done
"$MAPSHARE" verify "$MOUNT" >/dev/null || fail "the next mount's memory is damaged"

# The header: nothing is served any more, and nothing lost.
echo committed >"$MOUNT/last"
sync "$MOUNT/last"
expect_log "the daemon's memory is damaged: its header says other sizes than when it was made" 'giving up: what was committed is in the journal'
"$(helper mount/damage-arena)" "$KEEPER" header "$(stat -c %i "$MOUNT/last")"
worker=$(stats_value worker_pid)
kill -9 "$worker"
wait_gone 30 "$KEEPER" || fail "the keeper goes on with a damaged header"
umount -l "$MOUNT" 2>/dev/null || true
start_mount
[ "$(cat "$MOUNT/last")" = committed ] || fail "a commit is lost"
stop_mount
