#!/usr/bin/env bash
# What the manual promises in a sentence and no other test looks at: O_SYNC and O_DSYNC commit; no time of birth, no O_TMPFILE; a file that is mounted
# alone cannot be locked; what fstab has for others is ignored; a mount in use outlives SIGTERM until its last user; no backup of a store on
# overlayfs.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr python3 unshare
scratch
start_mount commit_interval=3600,nofail,x-systemd.automount,silent
cd "$MOUNT"

for flag in sync dsync; do
    head -c 4096 /dev/zero >"$flag"
    before=$(attribute commit "$flag")
    dd if=/dev/zero of="$flag" bs=4096 count=1 conv=notrunc,nocreat oflag="$flag" status=none
    [ "$(attribute commit "$flag")" != "$before" ] || fail "a write with O_${flag^^} commits nothing"
    [ "$(attribute dirty "$flag")" = 0 ] || fail "a write with O_${flag^^} leaves pages"
done
[ "$(stat -c %w sync)" = - ] || fail "there is a time of birth: $(stat -c %w sync)"
python3 - <<'END'
import errno, os
try:
    os.open(".", os.O_TMPFILE | os.O_RDWR)
except OSError as error:
    assert error.errno == errno.EOPNOTSUPP, error
else:
    raise AssertionError("O_TMPFILE is there")
END

touch "$SCRATCH/alone"
# shellcheck disable=SC2016
said=$(unshare --mount bash -c 'mount --bind "$1/sync" "$2" && cd / && umount -l "$1" && exec "$3" try "$2"' - "$MOUNT" "$SCRATCH/alone" \
    "$(helper mount/library-area)" 2>&1) || true
[ "$said" = EOPNOTSUPP ] || fail "a lock of a file that is mounted alone: $said"
[ "$("$(helper mount/library-area)" try sync)" = 0 ] || fail "it cannot be locked beside"

# In use, it goes out of sight at once, and ends with its last user.
echo text >used
exec 8<used
cd /
kill -TERM "$KEEPER"
gone() { ! is_mounted "$MOUNT"; }
wait_until 30 gone || fail "after SIGTERM it is still in sight"
[ "$(cat <&8)" = text ] || fail "after SIGTERM an open file cannot be read"
exec 8<&-
wait_gone 30 "$KEEPER" || fail "after SIGTERM and its last user the daemon goes on"
[ "$(cat "$STORE/used")" = text ] || fail "the store is not complete"

# A store on a file system that tells no births.
mkdir "$SCRATCH"/{lower,upper,work,merged}
if ! mount -t overlay -o "lowerdir=$SCRATCH/lower,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" none "$SCRATCH/merged" 2>/dev/null; then
    skip_part "no overlayfs here"
    exit 0
fi
USED_LOOPS+=("$SCRATCH/merged")
STORE=$SCRATCH/merged
start_mount
status=0
"$(find_built mapshare)" backup "$MOUNT" "$SCRATCH/copy" 2>"$SCRATCH/said" || status=$?
[ "$status" = 1 ] && grep -q 'does not tell when files were made' "$SCRATCH/said" || fail "a backup of a store on overlayfs: $status, $(cat "$SCRATCH/said")"
stop_mount
