#!/usr/bin/env bash
# The daemon dies whole, the store is copied before anybody touches it, and the copy is recovered: every file has its last commit, under the
# name that it had last, and nothing else was written to.
. "$(dirname "$0")/../lib.sh"
need_root # files of other users
scratch
MAPSHARE=$(find_built mapshare)
start_mount commit_interval=1000

commit() { # TEXT FILE...
    local file
    for file in "${@:2}"; do
        echo "$1 of $file" >"$MOUNT/$file"
        sync "$MOUNT/$file"
    done
}

mkdir -p "$MOUNT/folder/sub" "$MOUNT/other"
commit first plain moved folder/sub/deep removed replaced new linked reused given emptied both
wait_until 30 eval '[ "$(stats_value journal_used)" = 0 ]' # now they are in the store's files
commit "the second, longer" plain moved folder/sub/deep removed replaced new linked reused given both
: >"$MOUNT/emptied"
sync "$MOUNT/emptied"

mv "$MOUNT/moved" "$MOUNT/other/moved again"
mv "$MOUNT/folder" "$MOUNT/renamed"
mv "$MOUNT/renamed/sub" "$MOUNT/other/sub"
rm "$MOUNT/removed"
mv "$MOUNT/new" "$MOUNT/replaced"
ln "$MOUNT/linked" "$MOUNT/other/link"
rm "$MOUNT/linked"
ln "$MOUNT/both" "$MOUNT/other/both"
mv "$MOUNT/reused" "$MOUNT/old"
chown 65534 "$MOUNT/given"
commit another reused linked
echo "the third" >>"$MOUNT/renamed/created"
sync "$MOUNT/renamed/created"

tar -C "$MOUNT" -cf "$SCRATCH/expected.tar" .
mkdir "$SCRATCH/expected"
tar -C "$SCRATCH/expected" -xf "$SCRATCH/expected.tar"
kill_daemon
"$MAPSHARE" journal "$STORE" >"$SCRATCH/journal"
grep -q "replace new replaced" "$SCRATCH/journal" || skip "the journal was emptied too early"

check_copy() { # NAME
    "$MAPSHARE" recover "$SCRATCH/$1" >"$SCRATCH/out" 2>&1 || fail "$1: cannot be recovered: $(cat "$SCRATCH/out")"
    diff -r --exclude=.mapshare "$SCRATCH/expected" "$SCRATCH/$1" >"$SCRATCH/out" 2>&1 || fail "$1: $(cat "$SCRATCH/out")"
    "$MAPSHARE" recover "$SCRATCH/$1" | grep -q '^nothing to replay' || fail "$1: recovered twice"
    [ -z "$(ls -A "$SCRATCH/$1/.mapshare/removed")" ] || fail "$1: removed files are kept: $(ls "$SCRATCH/$1/.mapshare/removed")"
    rm -rf "${SCRATCH:?}/$1"
}

cp -a "$STORE" "$SCRATCH/archive"
check_copy archive
cp -r --preserve=mode,ownership "$STORE" "$SCRATCH/plain-copy"
check_copy plain-copy
mkdir "$SCRATCH/tar"
tar -C "$STORE" -cf - . | tar -C "$SCRATCH/tar" -xpf -
check_copy tar
if command -v rsync >/dev/null; then
    rsync -a "$STORE/" "$SCRATCH/rsync"
    check_copy rsync
    rsync -aHS "$STORE/" "$SCRATCH/rsync-sparse"
    check_copy rsync-sparse
fi

# A copy on which another user's file lies where the journal means one.
cp -a "$STORE" "$SCRATCH/foreign"
chown 65533 "$SCRATCH/foreign/plain"
! "$MAPSHARE" recover "$SCRATCH/foreign" >"$SCRATCH/out" 2>&1 || fail "another user's file was written"
grep -q "plain: .*belongs to another user" "$SCRATCH/out" || fail "the owner is not told: $(cat "$SCRATCH/out")"
[ "$(cat "$SCRATCH/foreign/plain")" = "first of plain" ] || fail "another user's file was changed"
chown 0 "$SCRATCH/foreign/plain"
check_copy foreign

# The original is as good as before.
check_original() {
    "$MAPSHARE" recover "$STORE" >/dev/null || fail "the store itself cannot be recovered"
    diff -r --exclude=.mapshare "$SCRATCH/expected" "$STORE" >&2 || fail "the store itself"
}
check_original
