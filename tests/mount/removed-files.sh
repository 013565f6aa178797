#!/usr/bin/env bash
# A file whose last name goes while the journal has commits of it is not lost to a recovery: it is kept by its identity, unseen, until they are in
# the store. Clients see that it has no name.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
need_tool
scratch
expect_deaths
removed=$STORE/.mapshare/removed
count() {
    find "$removed" -type f | wc -l
}
is_empty() {
    [ "$(count)" = 0 ]
}
put() { # NAME TEXT: committed
    echo "$2" >"$MOUNT/$1"
    sync "$MOUNT/$1"
}

start_mount commit_interval=600,fault=sync/files/EIO/1/1000000 # no checkpoint ends, so that the journal keeps its commits
put unlinked a
put replaced b
put open c
put twice d
echo new >"$MOUNT/new"
rm "$MOUNT/unlinked"
mv "$MOUNT/new" "$MOUNT/replaced"
exec 3<>"$MOUNT/open"
rm "$MOUNT/open"
ln "$MOUNT/twice" "$MOUNT/again"
rm "$MOUNT/twice"
[ "$(count)" = 3 ] || fail "$(count) removed files are kept, not 3: $(ls "$removed")"
[ "$(stat -c %a "$removed")" = 700 ] || fail "others may look at removed files"
[ "$(ls "$MOUNT")" = $'again\nreplaced' ] || fail "on the mount: $(ls "$MOUNT")"
look() {
    [ "$(stat -Lc %h /proc/self/fd/3)" = 0 ] || fail "$1: an unlinked file has $(stat -Lc %h /proc/self/fd/3) names"
    [ "$(cat /proc/self/fd/3)" = c ] || fail "$1: an unlinked file's content is gone"
}
look "removed"
kill -9 "$(stats_value worker_pid)"
look "after the worker's death"
echo more >&3
exec 3>&-
kill_daemon
[ "$(count)" = 3 ] || fail "a crash took removed files: $(ls "$removed")"

start_mount
[ "$(cat "$MOUNT/replaced")" = new ] || fail "replaced: $(cat "$MOUNT/replaced")"
[ "$(cat "$MOUNT/again")" = d ] || fail "again: $(cat "$MOUNT/again")"
[ "$(ls "$MOUNT")" = $'again\nreplaced' ] || fail "after a crash: $(ls "$MOUNT")"
! grep -E 'cannot be found|are lost|damaged' "$SCRATCH/daemon.log" || fail "the recovery complains"
wait_until 30 is_empty || fail "after a recovery removed files stay: $(ls "$removed")"

# While it is mounted they go by themselves, when nobody has them open.
put unlinked a
put open c
exec 3<>"$MOUNT/open"
rm "$MOUNT/unlinked" "$MOUNT/open"
only_open() {
    [ "$(count)" -le 1 ]
}
wait_until 30 only_open || fail "a removed file stays: $(ls "$removed")"
[ "$(cat /proc/self/fd/3)" = c ] || fail "an unlinked file's content is gone"
exec 3>&-
wait_until 30 is_empty || fail "a removed file stays when it was closed"
put last e
rm "$MOUNT/last"
stop_mount
is_empty || fail "left at unmount: $(ls "$removed")"
[ "$(ls "$STORE")" = $'again\nreplaced' ] || fail "in the store: $(ls "$STORE")"
