#!/usr/bin/env bash
# After a clean unmount the store's files carry the times that the mount showed, also what touch set; checkpoints leave no times of
# their own. A remount shows the same.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr touch
scratch
stamp=$(helper times/stamp)
start_mount
cd "$MOUNT"
"$stamp" stored size 40960 wait store 0 store 9 wait store 0 sync
"$stamp" stored-unsynced size 40960 sync wait store 0 store 9
"$stamp" set-after-store size 40960 store 1 set 1234567890.987654321
"$stamp" set-then-synced size 40960 store 1 set -5.000000005 sync
"$stamp" set-then-stored size 40960 set 1000000000.5 wait store 2 sync
echo text >written
echo text >touched-a
echo text >touched-m
mkdir folder folder-touched
ln -s x symbolic
ln -s x symbolic-touched
touch -d '2001-02-03 04:05:06.123456789' folder-touched
touch -h -d '1969-07-20 20:17:40.000000001' symbolic-touched
mkfifo fifo
touch -d '2100-01-01 00:00:00.25' fifo
before_m=$(stat -c %.9Y touched-a)
touch -a -d '2001-01-01 UTC' touched-a
[ "$(stat -c %.9Y touched-a)" = "$before_m" ] || fail "touch -a changed mtime"
[ "$(stat -c %X touched-a)" = 978307200 ] || fail "touch -a set $(stat -c %X touched-a)"
before_a=$(stat -c %.9X touched-m)
touch -m -d '2039-01-01 UTC' touched-m
[ "$(stat -c %.9X touched-m)" = "$before_a" ] || fail "touch -m changed atime"
[ "$(stat -c %Y touched-m)" = 2177452800 ] || fail "touch -m set $(stat -c %Y touched-m)"
touch -r touched-m "folder/like"
: >folder/x
picture() {
    find . -path ./.mapshare -prune -o ! -name . -printf '%p %s %T@\n' | sort
    stat -c '%n %.9X' touched-a set-after-store set-then-synced symbolic-touched fifo
}
changed() {
    find . -path ./.mapshare -prune -o -type f -printf '%p %C@\n' | sort
}
before=$(picture)
changed_before=$(changed)
cd /
stop_mount
cd "$STORE"
earlier=$(join <(echo "$changed_before") <(changed) | awk '$3 < $2')
[ -z "$earlier" ] || fail "the store's ctime is earlier than the mount's: $earlier"
[ "$(changed | wc -l)" = "$(wc -l <<<"$changed_before")" ] || fail "files of the store are missing"
[ "$before" = "$(picture)" ] || { diff <(echo "$before") <(picture) >&2; fail "the store's times differ from what the mount showed"; }
cd /
start_mount
cd "$MOUNT"
[ "$before" = "$(picture)" ] || { diff <(echo "$before") <(picture) >&2; fail "a remount shows other times"; }
cd /
stop_mount
