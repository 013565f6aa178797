#!/usr/bin/env bash
# files lists what has pages that are not in the store, or an error, and nothing else; by path, for as many files as there are.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # to ask as another user
need_program getfattr python3 setpriv
scratch
expect_deaths
start_mount commit_interval=1000
seen() { # PYTHON [OPERAND]: of the list of files
    mapshare files --json "${2:-$MOUNT}" | json_value "$1"
}

[ -z "$(mapshare files "$MOUNT")" ] || fail "a new mount lists $(mapshare files "$MOUNT")"
[ "$(seen "o['files']")" = "[]" ] || fail "as JSON: $(mapshare files --json "$MOUNT")"
mkdir -p "$MOUNT/folder/deep"
echo text >"$MOUNT/stored"
exec {stored}<>"$MOUNT/stored" # the daemon goes on knowing it
mapshare sync "$MOUNT/stored" >"$SCRATCH/receipt"
nothing_listed() {
    [ -z "$(mapshare files "$MOUNT")" ]
}
wait_until 30 nothing_listed || fail "what is stored is listed: $(mapshare files "$MOUNT")"
head -c 20000 /dev/urandom >"$MOUNT/folder/deep/five"
head -c 4000 /dev/urandom >"$MOUNT/folder/one"
head -c 9000 /dev/urandom >"$MOUNT/folderless"
[ "$(seen "[(f['path'], f['received'], f['size'], f['commit'], f['error']) for f in o['files']]")" = \
    "[('folder/deep/five', 5, 20000, None, None), ('folderless', 3, 9000, None, None), ('folder/one', 1, 4000, None, None)]" ] ||
    fail "before a commit: $(mapshare files --json "$MOUNT")"
[ "$(seen "[f['path'] for f in o['files']]" "$MOUNT/folder")" = "['folder/deep/five', 'folder/one']" ] || fail "a folder's: $(mapshare files "$MOUNT/folder")"
[ "$(cd "$MOUNT/folder" && seen "[f['path'] for f in o['files']]" one)" = "['folder/one']" ] || fail "of one file: $(mapshare files "$MOUNT/folder/one")"
refused 1 "$MOUNT/none: No such file" mapshare files "$MOUNT/none"

receipt=$(mapshare sync --json "$MOUNT/folderless" | json_value "o['sequence']")
echo more >>"$MOUNT/folderless"
mapshare files "$MOUNT" >"$SCRATCH/table"
grep -Eq "^ +1 +[0-3] +0 +$receipt +[0-9.]+ (s|min) +- +folderless\$" "$SCRATCH/table" || fail "after a commit: $(cat "$SCRATCH/table")"
mv "$MOUNT/folder" "$MOUNT/moved"
echo more >>"$MOUNT/moved/one"
mapshare files "$MOUNT" | grep -q ' moved/one$' || fail "after a rename: $(mapshare files "$MOUNT")"
refused 1 "$MOUNT: only root and the mount's owner" as_user timeout 60 "$MAPSHARE" files "$MOUNT"

# A removed file that somebody has open has no path.
exec {removed}>"$MOUNT/removed"
head -c 40960 /dev/urandom >&"$removed"
number=$(stat -Lc %i "/proc/self/fd/$removed")
rm "$MOUNT/removed"
mapshare files "$MOUNT" | grep -q " inode $number\$" || fail "removed, open: $(mapshare files "$MOUNT")"
exec {removed}>&- {stored}>&-

# A dead worker's files are told of before anybody has asked for them.
counts="sorted((f['path'], f['received']) for f in o['files'] if f['received'])"
before=$(seen "$counts")
kill -9 "$(stats_value worker_pid)"
[ "$(seen "$counts")" = "$before" ] || fail "after a death: $(mapshare files "$MOUNT") instead of $before"

# More than one answer holds.
long=$(printf 'n%.0s' {1..200})
(cd "$MOUNT" && for number in {1..150}; do echo "$number" >"$long$number"; done)
[ "$(seen "len([f for f in o['files'] if f['path'].startswith('nnn')]), len(set(f['inode'] for f in o['files']))")" = "150 153" ] ||
    fail "of many files: $(mapshare files "$MOUNT" | wc -l)"
stop_mount
