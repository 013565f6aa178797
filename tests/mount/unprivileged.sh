#!/usr/bin/env bash
# An ordinary user mounts with fusermount3, shares memory, reads what attributes can tell, and unmounts.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
need_fuse_for_all "$0"
scratch
chmod 777 "$SCRATCH"
if is_root; then chown 65534:65534 "$STORE" "$MOUNT" "$PLAIN"; fi
USED_MOUNTS+=("$MOUNT")
as_user "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" >"$SCRATCH/daemon.log" 2>&1 || fail "an ordinary user cannot mount"
value() {
    as_user getfattr --only-values --absolute-names -n "user.mapshare.$1" "$2"
}
KEEPER=$(value stats "$MOUNT" | sed -n 's/^keeper_pid=//p')
[ -n "$KEEPER" ] || fail "no statistics"
USED_KEEPERS+=("$KEEPER")
for pid in "$KEEPER" $(children_of "$KEEPER"); do
    [ "$(stat -c %u "/proc/$pid")" != 0 ] || fail "process $pid of the daemon runs as root"
done

as_user "$(helper mount/share)" "$MOUNT" || fail "sharing"
for probe in names rename data locks; do
    as_user mkdir "$PLAIN/$probe" "$MOUNT/$probe"
    as_user "$(helper "mount/posix-$probe")" "$PLAIN/$probe" >"$SCRATCH/expected" 2>&1
    as_user "$(helper "mount/posix-$probe")" "$MOUNT/$probe" >"$SCRATCH/seen" 2>&1 || { tail -n 4 "$SCRATCH/seen" >&2; fail "posix-$probe"; }
    diff -u "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "posix-$probe differs from the plain file system"
done
as_user dd if=/dev/zero of="$MOUNT/written" bs=4k count=3 status=none
kernel=$(value dirty.kernel "$MOUNT/written")
received=$(value dirty.received "$MOUNT/written")
dirty=$(value dirty "$MOUNT/written")
[[ $kernel =~ ^([0-9]+|unknown)$ ]] || fail "dirty.kernel is '$kernel'"
[[ $received =~ ^[0-9]+$ ]] || fail "dirty.received is '$received'"
echo "dirty $dirty, in the kernel $kernel, received $received"
as_user sync "$MOUNT/written"
[ "$(value dirty.received "$MOUNT/written")" = 0 ] || fail "received pages after a sync"

worker=$(value stats "$MOUNT" | sed -n 's/^worker_pid=//p')
as_user kill -9 "$worker"
[ "$(as_user stat -c %s "$MOUNT/written")" = 12288 ] || fail "the mount does not survive its worker"
if [ -x "$MAPSHARE" ]; then
    as_user "$MAPSHARE" upgrade "$MOUNT" || fail "mapshare upgrade"
    [ "$(value stats "$MOUNT" | sed -n 's/^keeper_pid=//p')" = "$KEEPER" ] || fail "after an upgrade the keeper is another"
fi
stands_by() { [ "$(value stats "$MOUNT" | sed -n 's/^standby_pid=//p')" != 0 ]; }
wait_until 30 stands_by || fail "nobody stands by"
as_user kill -9 "$KEEPER"
next_keeper() { [ "$(value stats "$MOUNT" | sed -n 's/^keeper_pid=//p')" != "$KEEPER" ]; }
wait_until 30 next_keeper || fail "nobody takes the keeper's place"
KEEPER=$(value stats "$MOUNT" | sed -n 's/^keeper_pid=//p')
USED_KEEPERS+=("$KEEPER")
[ "$(as_user stat -c %s "$MOUNT/written")" = 12288 ] || fail "the mount does not survive its keeper"

if is_root; then
    ! ls "$MOUNT" >/dev/null 2>&1 || fail "root may look into a user's mount without allow_other"
    as_user mkdir "$SCRATCH/mount2" "$SCRATCH/store2"
    if ! grep -q '^user_allow_other' /etc/fuse.conf 2>/dev/null; then
        message=$(as_user "$MAPSHAREFS" -o allow_other "$SCRATCH/store2" "$SCRATCH/mount2" 2>&1) &&
            { as_user fusermount3 -u "$SCRATCH/mount2"; fail "allow_other without leave"; }
        grep -q allow_other <<<"$message" || fail "allow_other refused without a word of it: $message"
    fi
fi
as_user cp "$MOUNT/bytes" "$PLAIN/bytes"
if [ -x "$MAPSHARE" ]; then
    as_user "$MAPSHARE" unmount "$MOUNT" || fail "mapshare unmount"
else
    as_user fusermount3 -u "$MOUNT"
fi
wait_gone 30 "$KEEPER" || fail "the daemon stays"
! is_mounted "$MOUNT" || fail "still mounted"
cmp "$PLAIN/bytes" "$STORE/bytes" || fail "the store is not complete"
[ "$(stat -c %u "$STORE/bytes")" != 0 ] || fail "a file of the user's belongs to root"
