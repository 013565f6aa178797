#!/usr/bin/env bash
# A store on a read-only file system is mounted with ro, read, and left as it was; without ro, or with commits in its journal, it is refused.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_tool
need_program getfattr
scratch
expect_deaths
small_disk "$STORE" 64M

writable() { mount -o remount,rw "$STORE"; }
frozen() { sync -f "$STORE"; mount -o remount,ro "$STORE"; }
image() { find "$STORE" -printf '%p %s %m %T@ %C@ %A@\n' | sort; }
refused() { # OPTIONS PATTERN
    if "$MAPSHAREFS" -o "$DEFAULT_OPTIONS${1:+,$1}" "$STORE" "$MOUNT" 2>"$SCRATCH/said"; then fail "mounted: $1"; fi
    grep -qi "$2" "$SCRATCH/said" || fail "$1: it says: $(cat "$SCRATCH/said")"
}

# Never mounted before.
mkdir "$STORE/folder"
echo text >"$STORE/folder/file"
frozen
before=$(image)
refused '' 'read-only'
start_mount ro
[ "$(cat "$MOUNT/folder/file")" = text ] || fail "it cannot be read"
for try in "touch $MOUNT/new" "rm $MOUNT/folder/file" "chmod 777 $MOUNT/folder"; do
    if $try 2>/dev/null; then fail "done: $try"; fi
done
kill -9 "$(stats_value worker_pid)"
[ "$(cat "$MOUNT/folder/file")" = text ] || fail "it cannot be read after a death"
timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "unmount"
[ "$before" = "$(image)" ] || fail "the store changed"

# A store of ours: two may read it at once.
writable
start_mount
echo committed >"$MOUNT/file"
timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "unmount"
frozen
before=$(image)
mkdir "$SCRATCH/second"
USED_MOUNTS+=("$SCRATCH/second")
start_mount ro
"$MAPSHAREFS" -o "$DEFAULT_OPTIONS,ro" "$STORE" "$SCRATCH/second" || fail "the second reader"
[ "$(cat "$MOUNT/file" "$SCRATCH/second/file")" = $'committed\ncommitted' ] || fail "two readers"
if "$MAPSHAREFS" -o remount,rw "$STORE" "$MOUNT" 2>"$SCRATCH/said"; then fail "remounted for writing on a read-only store"; fi
timeout 60 "$MAPSHARE" unmount "$SCRATCH/second" || fail "unmount of the second"
timeout 60 "$MAPSHARE" unmount "$MOUNT" || fail "unmount"
[ "$before" = "$(image)" ] || fail "the store changed"

# Not recovered.
writable
start_mount commit_interval=600,fault=write/files/60000ms
echo changed >"$MOUNT/file"
sync "$MOUNT/file"
kill_daemon
frozen
refused ro 'has commits that its files have not'
writable
start_mount
[ "$(cat "$MOUNT/file")" = changed ] || fail "not recovered"
stop_mount
