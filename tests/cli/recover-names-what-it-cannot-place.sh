#!/usr/bin/env bash
# A file that the journal has commits of and that is nowhere in the store, though nobody removed it through the mount: recovery and mounting
# are refused, the file and its commits are named, nothing is forgotten, and --give-up goes on.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # for both ways of the file's being found
need_program getfattr python3
scratch
start_mount commit_interval=1000

echo one >"$MOUNT/kept"
mkdir "$MOUNT/folder"
echo two >"$MOUNT/folder/lost"
mapshare sync "$MOUNT/kept" >/dev/null
sequence=$(mapshare sync --json "$MOUNT/folder/lost" | json_value "o['sequence']")
kill_daemon
mapshare journal "$STORE" | grep -q "folder/lost" || skip "the commit is in the store's file already"
mkdir -p "$STORE/.mapshare/removed"
mv "$STORE/folder/lost" "$SCRATCH/aside"

for time in first second; do
    ! mapshare recover "$STORE" >"$SCRATCH/out" 2>&1 || fail "recover succeeds the $time time: $(cat "$SCRATCH/out")"
    grep -q "folder/lost: inode .* cannot be found: 1 pages of commits $sequence to $sequence" "$SCRATCH/out" || fail "not named: $(cat "$SCRATCH/out")"
    grep -q -e '--give-up' "$SCRATCH/out" || fail "no way out is told: $(cat "$SCRATCH/out")"
done
! mapsharefs "$STORE" "$MOUNT" >"$SCRATCH/out" 2>&1 || fail "the store can be mounted"
grep -q "folder/lost: inode" "$SCRATCH/out" || fail "mounting does not name the file: $(cat "$SCRATCH/out")"
[ ! -s "$STORE/kept" ] || [ "$(cat "$STORE/kept")" = one ] || fail "the other file was changed"

cp -a "$STORE" "$SCRATCH/saved"
mv "$SCRATCH/aside" "$STORE/folder/found-again"
mapshare recover "$STORE" || fail "the file is back, and recovery fails"
[ "$(cat "$STORE/folder/found-again")" = two ] || fail "it is not what was committed"

mapshare recover --json --give-up "$SCRATCH/saved" >"$SCRATCH/report" || fail "--give-up fails"
[ "$(json_value "o['files_lost'], o['pages_lost'], o['files']" <"$SCRATCH/report")" = "1 1 1" ] || fail "report: $(cat "$SCRATCH/report")"
[ "$(cat "$SCRATCH/saved/kept")" = one ] || fail "the other file was given up, too"
mapshare recover "$SCRATCH/saved" | grep -q '^nothing to replay' || fail "something is left"
