#!/usr/bin/env bash
# receive: what makes no sense is refused, and leads nowhere; a batch that does not end is not to be seen; names are made in the end; a full disk; as an
# ordinary user.
. "$(dirname "$0")/lib.sh"
need_root
need_mount
need_program getfattr rsync python3 setpriv
need_open_fuse "$0"
# shellcheck source=../follow.sh
. "$(dirname "$0")/../follow.sh"
scratch
start_far noatime
export MAPSHARE
say() { # CASE
    python3 "$CLI_FOLDER/receive.py" "$FAR" "$1" >"$SCRATCH/said" || fail "$1: $(cat "$SCRATCH/said")"
}
all_of() { # FOLDER
    (cd "$1" && find . -printf '%p %y %m %U %s %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 cksum)
}
echo precious >"$PLAIN/precious"

say first
[ "$(cat "$SCRATCH/said")" = "0 " ] || fail "a batch: $(cat "$SCRATCH/said")"
[ "$(cat "$FAR/d/b")" = old ] && [ "$(stat -c '%s %Y' "$FAR/a")" = "5000 1000000000" ] || fail "the batch is not there"
say half
[ "$(cat "$FAR/d/b")" = old ] && [ "$(stat -c %s "$FAR/a")" = 5000 ] && [ ! -e "$FAR/never" ] || fail "half of a batch is there"

all_of "$FAR" >"$SCRATCH/before"
all_of "$PLAIN" >"$SCRATCH/plain.before"
say odd
cat "$SCRATCH/said"
all_of "$FAR" | diff "$SCRATCH/before" - || fail "what makes no sense changed the copy"

say link
[ "$(readlink "$FAR/l")" = ../plain ] || fail "no link was made: $(cat "$SCRATCH/said")"
all_of "$PLAIN" | diff "$SCRATCH/plain.before" - || fail "a link was followed"
grep -q "l/made: cannot be made" "$SCRATCH/said" || fail "it says: $(cat "$SCRATCH/said")"

# The last batch's names are made again, though they were lost.
say replace
[ "$(cat "$FAR/a/c")" = old ] && [ "$(stat -c %s "$FAR/d")" = 5000 ] || fail "a folder for a file, and a file for a folder: $(cat "$SCRATCH/said")"
rm -r "$FAR/a" "$FAR/d"
mapshare receive "$FAR" </dev/null || fail "nothing to be received"
[ "$(cat "$FAR/a/c")" = old ] && [ "$(stat -c %s "$FAR/d")" = 5000 ] || fail "names are not made in the end"

# Parts of a batch that is too large, which then does not end; of another store.
say parts
grep -qx complete=0 "$FAR/.mapshare-follow/state" || fail "parts of a batch, and the copy is complete"
start_mount
echo text >"$MOUNT/text"
mapshare sync "$MOUNT/text" >/dev/null
! mapshare follow --once --to "$FAR" "$MOUNT" >"$SCRATCH/said" 2>&1 || fail "a copy of another store is overwritten"
grep -q "a copy of another store" "$SCRATCH/said" || fail "it says: $(cat "$SCRATCH/said")"
stop_far

# A disk that gets full, and has room again.
mkdir "$SCRATCH/disk"
small_disk "$SCRATCH/disk" 128M
expect_log 'No space left on device'
head -c 30000000 /dev/urandom >"$MOUNT/large"
sync "$MOUNT/large"
rm -rf "$SCRATCH/far.store"
fallocate -l 85M "$SCRATCH/disk/filler"
mkdir "$SCRATCH/disk/store"
ln -s disk/store "$SCRATCH/far.store"
start_far
! mapshare follow --once --to "$FAR" "$MOUNT" >"$SCRATCH/said" 2>&1 || fail "30 MB on a disk of 128 MB, of which 85 are used and the journal has 16"
grep -q "no room for" "$SCRATCH/said" || fail "a full disk: $(cat "$SCRATCH/said")"
rm "$SCRATCH/disk/filler"
mapshare follow --once --to "$FAR" "$MOUNT" >"$SCRATCH/said" 2>&1 || fail "there is room again: $(cat "$SCRATCH/said")"
same_as_source
stop_far

# As an ordinary user, the copy is his.
rm "$SCRATCH/far.store"
mkdir "$SCRATCH/far.store"
chmod 400 "$MOUNT/text"
cat >"$SCRATCH/shell" <<'END'
#!/bin/sh
cd /
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all sh -c "PATH=$WHERE:\$PATH; exec $2"
END
chmod +x "$SCRATCH/shell"
WHERE=$(dirname "$MAPSHARE")
export WHERE
(
    MOUNT=$FAR STORE=$SCRATCH/far.store
    start_user_mount
    echo "$KEEPER" >"$SCRATCH/far.keeper"
) || fail "no mount of an ordinary user"
USED_MOUNTS+=("$FAR")
expect_log "the kernel's limits for this mount stay low \(only root may raise them\)"
for _ in 1 2; do
    mapshare follow --once --rsh="$SCRATCH/shell" --to "user:$FAR" "$MOUNT" >"$SCRATCH/said" 2>&1 || fail "as an ordinary user: $(cat "$SCRATCH/said")"
    [ "$(as_user cat "$FAR/text")" = "$(cat "$MOUNT/text")" ] && [ "$(as_user stat -c '%a %u' "$FAR/text")" = "400 65534" ] || fail "the user's copy"
    echo more >>"$MOUNT/text"
    sync "$MOUNT/text"
done
as_user fusermount3 -u "$FAR"
wait_gone 20 "$(cat "$SCRATCH/far.keeper")" || fail "the user's daemon stays"
stop_mount
