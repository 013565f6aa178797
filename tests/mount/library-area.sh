#!/usr/bin/env bash
# The locks and notices of a file on a mount are the daemon's: for who may write the file, the same in all containers, for the life of
# the file, whoever dies; and locking changes nothing of the file.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr unshare setpriv
scratch
expect_deaths
chmod 755 "$STORE"
start_mount allow_other
step=$(helper mount/library-area)
ALICE=4001 MALLORY=4002

as() { # USER: the start of a command
    echo setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all
}
read -ra alice < <(as $ALICE)
read -ra mallory < <(as $MALLORY)
# A container of its own, where processes have the same numbers as in any other.
contained=(unshare --mount --pid --ipc --uts --fork --kill-child
    bash -c 'mount -t tmpfs none /dev/shm && mount -t proc none /proc && exec "$@"' -)

says() { # WHAT COMMAND...
    local said
    said=$(timeout 60 "${@:2}" 2>&1) || true
    [ "$said" = "$1" ] || fail "'${*:2}' says '$said', not '$1'"
}

keeps() { # WHAT COMMAND...: in the background, once it says so; its number is in KEEPER
    "${@:2}" >"$SCRATCH/kept" 2>&1 &
    KEEPER=$!
    kill_later "$KEEPER"
    wait_until 30 grep -qx "$1" "$SCRATCH/kept" || fail "'${*:2}' says '$(cat "$SCRATCH/kept")', not '$1'"
}

ends() { # NUMBER
    kill -KILL "$1"
    wait "$1" 2>/dev/null || true
}

head -c 40960 /dev/zero >"$MOUNT/public"
head -c 40960 /dev/zero >"$MOUNT/private"
chown $ALICE:$ALICE "$MOUNT/public" "$MOUNT/private"
chmod 644 "$MOUNT/public"
chmod 600 "$MOUNT/private"

# Who may not write a file gets nothing that its users wait for.
keeps locked "${alice[@]}" "$step" readlock "$MOUNT/public"
opener=$KEEPER # an area lives as long as somebody has its file open
says EBADF "${mallory[@]}" "$step" tell "$MOUNT/public" 1
mapfile -t areas < <("${alice[@]}" "$step" areas "$MOUNT/public")
says 0 "${alice[@]}" "$step" write "$MOUNT/${areas[1]}"
says EACCES "${mallory[@]}" "$step" write "$MOUNT/${areas[0]}"
says ENOENT "${mallory[@]}" "$step" write "$MOUNT/${areas[1]%?}?"
says EACCES "${mallory[@]}" "$step" write "$MOUNT/${areas[1]}" # a name is no secret: inotify tells it
[ -z "$(find "$MOUNT" -name '.mapshare*')" ] || fail "an area is listed"
for made in touch mkdir 'rm -f' 'ln -s x'; do
    ! $made "$MOUNT/${areas[1]}" 2>/dev/null || fail "'$made' of an area's name succeeds"
done
! truncate -s 0 "$MOUNT/${areas[1]}" 2>/dev/null || fail "an area can be cut"
! (: >"$MOUNT/${areas[1]}") 2>/dev/null || fail "an area can be cut by opening it"
! (head -c 100000 /dev/zero >>"$MOUNT/${areas[1]}") 2>/dev/null || fail "an area can be made longer"
! fallocate -l 100000 "$MOUNT/${areas[1]}" 2>/dev/null || fail "an area can be allocated"
[ "$(stat -c %s "$MOUNT/${areas[1]}")" = 8192 ] || fail "the size of an area changed"
keeps locked "${mallory[@]}" "$step" readlock "$MOUNT/public" "$MOUNT/${areas[0]}"
says 0 "${alice[@]}" "$step" lock "$MOUNT/public"
says 0 "${alice[@]}" "$step" resize "$MOUNT/public" 81920
says EBUSY "${alice[@]}" "$step" resize "$MOUNT/public" 8192 # as if mallory had it mapped, which a reader may
ends "$KEEPER"
says 0 "${alice[@]}" "$step" resize "$MOUNT/public" 40960
says 0 "${alice[@]}" "$step" lock "$MOUNT/private"

# Who may only read it hears notices.
ends "$opener"
says ENOENT "${alice[@]}" "$step" write "$MOUNT/${areas[1]}"
keeps watching "${mallory[@]}" "$step" watch "$MOUNT/public"
watcher=$KEEPER
says 0 "${alice[@]}" "$step" notify "$MOUNT/public"
wait "$watcher" || fail "the watcher failed"

# Containers with a /dev/shm and process numbers of their own exclude each other, and hear of each other's deaths.
keeps 'held 0' "${contained[@]}" "$step" hold "$MOUNT/public"
says EBUSY "$step" try "$MOUNT/public"
says EBUSY "${contained[@]}" "$step" try "$MOUNT/public"
ends "$KEEPER"
says 1 "${contained[@]}" "$step" lock "$MOUNT/public"
says 1 "$step" try "$MOUNT/public"
says 0 "${contained[@]}" "$step" try "$MOUNT/public"

# Only a part of the mount is there.
mkdir "$MOUNT/folder" "$SCRATCH/part"
head -c 4096 /dev/zero >"$MOUNT/folder/file"
keeps 'held 0' "$step" hold "$MOUNT/folder/file"
# shellcheck disable=SC2016
says EBUSY unshare --mount bash -c 'mount --bind "$1/folder" "$2" && umount -l "$1" && exec "$3" try "$2/file"' - "$MOUNT" "$SCRATCH/part" "$step"
says EBUSY "$step" try "$MOUNT/folder/file"

# A worker dies: the lock goes on.
old=$(stats_value worker_pid)
kill -KILL "$old"
says EBUSY "$step" try "$MOUNT/folder/file"
[ "$(stats_value worker_pid)" != "$old" ] || fail "the worker lives"
ends "$KEEPER"

# Nobody has it open, the kernel has forgotten it, the worker is another: who comes next is told.
echo 2 >/proc/sys/vm/drop_caches
kill -KILL "$(stats_value worker_pid)"
says 1 "$step" try "$MOUNT/folder/file"
says 0 "$step" try "$MOUNT/folder/file"

# With the file its locks end: another one, perhaps with its number, has none of them.
keeps 'held 0' "$step" hold "$MOUNT/folder/file"
ends "$KEEPER"
rm "$MOUNT/folder/file"
echo 2 >/proc/sys/vm/drop_caches
for i in {1..20}; do
    head -c 4096 /dev/zero >"$MOUNT/folder/new$i"
    says 0 "$step" try "$MOUNT/folder/new$i"
done

# Locks and notices are not in the file.
mapshare_sync() { python3 -c 'import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDWR))' "$1"; }
mapshare_sync "$MOUNT/public"
before=$(attribute commit "$MOUNT/public") sum=$(md5sum <"$MOUNT/public") times=$(stat -c '%y %z' "$MOUNT/public")
says 'done' "$step" cycle "$MOUNT/public" 1000
[ "$(attribute dirty "$MOUNT/public")" = 0 ] || fail "locking dirtied the file"
mapshare_sync "$MOUNT/public"
[ "$(attribute commit "$MOUNT/public")" = "$before" ] || fail "locking is a change to be committed"
[ "$(md5sum <"$MOUNT/public")" = "$sum" ] || fail "locking changed the file's bytes"
[ "$(stat -c '%y %z' "$MOUNT/public")" = "$times" ] || fail "locking marked the file's times"
stop_mount
[ -z "$(find "$STORE" -name '*area*')" ] || fail "an area is in the store"
