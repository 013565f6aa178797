#!/usr/bin/env bash
# Backups that cannot be made are refused with a reason, and leave nothing wrong: neither in the mount nor at their place. One that was
# interrupted is marked; one that lags behind delays nobody.
. "$(dirname "$0")/../lib.sh"
need_root
scratch
MAPSHARE=$(find_built mapshare)
expect_deaths
expect_log 'is an incomplete backup, no store' 'a backup was given up' 'have waited for a backup as long as they may'
start_mount

refused() { # REASON ARGUMENT...: of mapshare backup
    local reason=$1 status=0
    shift
    "$MAPSHARE" backup "$@" >"$SCRATCH/said" 2>&1 || status=$?
    [ "$status" = 1 ] && grep -q -- "$reason" "$SCRATCH/said" || fail "backup $*: status $status: $(cat "$SCRATCH/said")"
}

"$(helper mount/backup-steps)" "$MOUNT" "$STORE"

echo content >"$MOUNT/file"
sync "$MOUNT/file"
mkdir "$SCRATCH/full" "$SCRATCH/empty"
touch "$SCRATCH/full/something"
refused "not on a mount of mapsharefs" "$SCRATCH" "$SCRATCH/copy"
refused "not on a mount of mapsharefs" "$SCRATCH/nowhere" "$SCRATCH/copy"
refused "No such file" "$MOUNT/nothing" "$SCRATCH/copy"
mkdir "$SCRATCH/bound"
mount --bind "$MOUNT" "$SCRATCH/bound"
refused "is on another mount" "$MOUNT/file" "$SCRATCH/bound/file" "$SCRATCH/copy"
umount "$SCRATCH/bound"
refused "No such file" "$MOUNT" "$SCRATCH/nowhere/copy"
refused "lies in the store, the mount" "$MOUNT" "$STORE/copy"
refused "lies in the store, the mount" "$MOUNT" "$MOUNT/copy"
refused "is not empty" "$MOUNT" "$SCRATCH/full"
refused "Not a directory" "$MOUNT" "$SCRATCH/full/something"
[ ! -e "$SCRATCH/copy" ] && [ ! -e "$STORE/copy" ] || fail "something was made where it was refused"
status=0
"$MAPSHARE" backup "$MOUNT" 2>/dev/null || status=$?
[ "$status" = 2 ] || fail "without a destination: status $status"
status=0
chmod 777 "$SCRATCH/empty"
as_user "$MAPSHARE" backup "$MOUNT" "$SCRATCH/empty" >"$SCRATCH/said" 2>&1 || status=$?
[ "$status" = 1 ] && grep -q 'run as root, or as its owner' "$SCRATCH/said" || fail "somebody else: $(cat "$SCRATCH/said")"
[ -z "$(ls -A "$SCRATCH/empty")" ] || fail "somebody else left something"

start_interrupted() { # [SOURCE]: it is stopped before it is complete; MAKING
    for _ in $(seq 50); do
        rm -rf "$SCRATCH/part"
        "$MAPSHARE" backup "${1:-$MOUNT}" "$SCRATCH/part" >"$SCRATCH/said" 2>&1 &
        MAKING=$!
        until [ -e "$SCRATCH/part/.mapshare/incomplete/list" ] || process_gone "$MAKING"; do :; done
        kill -STOP "$MAKING" 2>/dev/null && [ -e "$SCRATCH/part/.mapshare/incomplete" ] && return
        kill -CONT "$MAKING" 2>/dev/null || true
        wait "$MAKING" || true
    done
    fail "a backup cannot be interrupted"
}

# Interrupted.
for i in $(seq 500); do echo "$i" >"$MOUNT/until-closed/$i"; done
start_interrupted
kill_later "$MAKING"
refused "another backup of it is being made" "$MOUNT" "$SCRATCH/empty"
[ -z "$(ls -A "$SCRATCH/empty")" ] || fail "a second backup left something"
kill -9 "$MAKING"
wait "$MAKING" || true
refused "has an incomplete backup" "$MOUNT" "$SCRATCH/part"
! "$MAPSHARE" recover "$SCRATCH/part" >"$SCRATCH/said" 2>&1 || fail "an incomplete backup is recovered"
grep -q "an incomplete backup, no store" "$SCRATCH/said" || fail "recover says $(cat "$SCRATCH/said")"
mkdir "$SCRATCH/other"
! "$MAPSHAREFS" "$SCRATCH/part" "$SCRATCH/other" 2>>"$SCRATCH/daemon.log" || fail "an incomplete backup is mounted"
grep -q "is an incomplete backup, no store" "$SCRATCH/daemon.log" || fail "mounting it says $(tail -n 1 "$SCRATCH/daemon.log")"
wait_until 30 eval '[ "$(stats_value journal_used)" = 0 ]' || fail "the journal is kept for a backup that has ended"

# One that does not read the journal is given up for those who write.
start_interrupted
kill_later "$MAKING"
for _ in $(seq 12); do dd if=/dev/urandom of="$MOUNT/large" bs=1M count=3 conv=fsync,notrunc status=none; done
kill -CONT "$MAKING"
! wait "$MAKING" || fail "a backup goes on that has not read the journal"
grep -q "more was written than the journal holds" "$SCRATCH/said" || fail "it says: $(cat "$SCRATCH/said")"
[ -e "$SCRATCH/part/.mapshare/incomplete" ] || fail "it is not marked as incomplete"

# What was named gets another name meanwhile; it may just have been listed.
for _ in $(seq 20); do
    start_interrupted "$MOUNT/until-closed"
    kill_later "$MAKING"
    mv "$MOUNT/until-closed" "$MOUNT/renamed"
    kill -CONT "$MAKING"
    wait "$MAKING" || break
    mv "$MOUNT/renamed" "$MOUNT/until-closed"
done
grep -q "was renamed or removed while the backup was made" "$SCRATCH/said" || fail "it says: $(cat "$SCRATCH/said")"
[ -e "$SCRATCH/part/.mapshare/incomplete" ] || fail "it is not marked as incomplete"

# No room.
mkdir "$SCRATCH/small"
small_disk "$SCRATCH/small" 4M
rmdir "$SCRATCH/small/lost+found"
refused "No space left" "$MOUNT" "$SCRATCH/small"
[ -e "$SCRATCH/small/.mapshare/incomplete" ] || fail "it is not marked as incomplete"

"$MAPSHARE" backup "$MOUNT" "$SCRATCH/empty" >/dev/null || fail "after all these, none can be made"
diff -r -x .mapshare "$MOUNT" "$SCRATCH/empty" >&2 || fail "it differs"
stop_mount
start_mount ro
refused "mounted read-only" "$MOUNT" "$SCRATCH/copy"
stop_mount
