#!/usr/bin/env bash
# Everything works for an ordinary user on a mount of his own, unmounted through fusermount3; others get a clear refusal.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # to become an ordinary user
need_program getfattr setpriv fusermount3 python3 unshare
need_open_fuse "$0"
scratch
as_user() {
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all timeout 60 "$@"
}
chown 65534:65534 "$STORE" "$MOUNT"
as_user test -x "$MAPSHAREFS" || skip "the programs' folder is not open to ordinary users"
USED_MOUNTS+=("$MOUNT")
as_user "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" >>"$SCRATCH/daemon.log" 2>&1 || fail "mapsharefs fails for an ordinary user"
KEEPER=$(as_user "$MAPSHARE" metrics --json "$MOUNT" | json_value "o['keeper_pid']")
USED_KEEPERS+=("$KEEPER")

as_user sh -c "echo text >'$MOUNT/file'"
as_user "$MAPSHARE" sync "$MOUNT/file" | grep -q '^sequence [1-9]' || fail "sync"
as_user "$MAPSHARE" stat "$MOUNT/file" | grep -q '^Commit  *[1-9]' || fail "stat"
as_user "$MAPSHARE" map "$MOUNT/file" | grep -q '1 page$' || fail "map"
as_user "$MAPSHARE" dirty --json "$MOUNT/file" | json_value "o['ranges']" >"$SCRATCH/ranges" || fail "dirty"
as_user "$MAPSHARE" top --once "$MOUNT" | grep -q '^commits  *[1-9]' || fail "top"
as_user "$MAPSHARE" journal "$STORE" >"$SCRATCH/journal" 2>"$SCRATCH/said" || fail "journal: $(cat "$SCRATCH/said")"
install -d -o 65534 -g 65534 "$SCRATCH/of-user"
as_user "$MAPSHARE" backup "$MOUNT" "$SCRATCH/of-user" | grep -q ': as of commit [1-9]' || fail "backup"
[ "$(cat "$SCRATCH/of-user/file")" = text ] || fail "the backup"
refused 1 "$STORE: mounted at $MOUNT" as_user "$MAPSHARE" recover "$STORE"

as_user head -c 40960 /dev/zero | as_user dd of="$MOUNT/pages" status=none
# The kernel may send the pages at once: it keeps few of an ordinary user's mount. Then they are stored to again.
for _ in 1 2 3 4 5 6 7 8; do
    as_user python3 -c 'import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(file, 0)
memory[0] = memory[4 * 4096] = memory[5 * 4096] = memory[9 * 4096] = 1
picture = os.popen(sys.argv[2] + " map --json " + sys.argv[1]).read()
sys.stdout.write(picture)' "$MOUNT/pages" "$MAPSHARE" >"$SCRATCH/picture"
    cells=$(json_value "o['cells'], o['counts']['kernel']" <"$SCRATCH/picture")
    case $cells in "krrrkkrrrk 4" | *None) break ;; esac
done
case $cells in
"krrrkkrrrk 4") ;;
*None) skip_part "this kernel does not tell owners which pages are dirty" ;;
*) fail "the owner sees $cells" ;;
esac

as_stranger() {
    setpriv --reuid=4321 --regid=4321 --clear-groups timeout 60 "$MAPSHARE" "$@"
}
refused 1 "$MOUNT/file: Permission denied" as_stranger stat "$MOUNT/file"
refused 1 "$MOUNT: Permission denied" as_stranger metrics "$MOUNT"
refused 1 "$MOUNT: " as_stranger unmount "$MOUNT"
is_mounted "$MOUNT" || fail "a stranger unmounted it"

as_user "$MAPSHARE" unmount "$MOUNT" || fail "unmount"
process_gone "$KEEPER" || fail "the daemon is still there"
[ "$(cat "$STORE/file")" = text ] || fail "not in the store"
