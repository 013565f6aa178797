#!/usr/bin/env bash
# follow --to: what a copy has, in few and many pieces; what it says; how the far side is started; where it is refused.
. "$(dirname "$0")/lib.sh"
need_root
need_mount
need_program getfattr setfattr setfacl rsync python3
# shellcheck source=../follow.sh
. "$(dirname "$0")/../follow.sh"
scratch
start_mount commit_interval=3600
start_far

follow() {
    mapshare follow --once --to "$FAR" "$@" >"$SCRATCH/said" 2>"$SCRATCH/errors" || fail "follow $*: $(cat "$SCRATCH/errors")"
}
commit_all() { # sparse files and those that were only made, too
    find "$MOUNT" -type f -exec sync {} +
}
state() { # NAME: of the copy
    sed -n "s/^$1=//p" "$FAR/.mapshare-follow/state"
}

# Everything that has a name, and changes of it.
mkdir -p "$MOUNT/d/e/f" "$MOUNT/gone/deep"
odd=$'odd\n"name\\'
head -c 300000 /dev/urandom >"$MOUNT/d/large"
truncate -s 30M "$MOUNT/sparse"
printf x | dd of="$MOUNT/sparse" bs=1 seek=20000000 conv=notrunc status=none
for name in d/e/one "$odd" gone/deep/a gone/b turns; do head -c 5000 /dev/urandom >"$MOUNT/$name"; done
ln "$MOUNT/d/e/one" "$MOUNT/d/other"
ln -s ../nowhere "$MOUNT/d/link"
mkfifo "$MOUNT/fifo"
mknod "$MOUNT/null" c 1 3
setfattr -n user.color -v red "$MOUNT/d/large"
setfacl -m u:12:rw "$MOUNT/d/e/one"
chown 11:12 "$MOUNT/d/e"
chmod 4711 "$MOUNT/turns"
chmod 0 "$MOUNT/d/e/f"
touch -d 2001-02-03 "$MOUNT/d/e" "$MOUNT/d/large"
touch -h -d 2001-02-04 "$MOUNT/d/link"
commit_all
follow "$MOUNT"
same_as_source
grep -q "^[0-9]*  20.*  [0-9]* files, .*, [0-9]* names; behind: 0 commits, 0.000 s\$" "$SCRATCH/said" || fail "it says: $(cat "$SCRATCH/said")"
[ "$(state complete)" = 1 ] && [ "$(state sequence)" = "$(stats_value sequence)" ] || fail "the state: $(cat "$FAR/.mapshare-follow/state")"

mv "$MOUNT/d/e" "$MOUNT/e"
mv "$MOUNT/gone/b" "$MOUNT/kept"
rm -r "$MOUNT/gone" "$MOUNT/fifo" "$MOUNT/turns"
mkdir "$MOUNT/turns"
echo new >"$MOUNT/turns/new"
ln -sf elsewhere "$MOUNT/d/link"
mv "$MOUNT/$odd" "$MOUNT/exchange"
mv "$MOUNT/kept" "$MOUNT/$odd"
mv "$MOUNT/exchange" "$MOUNT/kept"
setfattr -x user.color "$MOUNT/d/large"
fallocate -p -o 8192 -l 8192 "$MOUNT/d/large"
truncate -s 250001 "$MOUNT/d/large"
truncate -s 10 "$MOUNT/sparse"
truncate -s 100000 "$MOUNT/sparse"
chmod 600 "$MOUNT/e/one"
commit_all
follow --json "$MOUNT"
same_as_source
json_value 'o["behind_commits"] == 0 and o["names_failed"] == 0 and 0 < o["bytes"] < 100000 and o["sequence"] > 0' <"$SCRATCH/said" | grep -q True ||
    fail "the second time: $(cat "$SCRATCH/said")"
[ "$(find "$FAR/.mapshare-follow/files" -type f | wc -l)" = "$(find "$MOUNT" -type f -printf '%i\n' | sort -u | wc -l)" ] || fail "files without a name stay"

# More files than a commit has, here of few; and more bytes than the journal. What was changed while nobody followed is compared where the feed was lost.
mkdir "$MOUNT/many"
seq 150 | (cd "$MOUNT/many" && split -l 1 -a 3 -)
head -c 20000000 /dev/urandom >"$MOUNT/larger"
commit_all
(ulimit -n 120 && follow "$MOUNT")
same_as_source
for name in "$MOUNT"/many/xa*; do echo more >>"$name"; done
commit_all
stop_mount
start_mount commit_interval=3600
(ulimit -n 120 && follow "$MOUNT")
grep -q "compared as a whole" "$SCRATCH/errors" || fail "the feed is not lost: $(cat "$SCRATCH/errors")"
same_as_source
[ "$(state complete)" = 1 ] || fail "not complete"

# Started by another program, which gets one command for a shell.
cat >"$SCRATCH/shell" <<'END'
#!/bin/sh
[ "$1" = --option ] && [ "$2" = host ] && [ $# = 3 ] && exec sh -c "PATH=$WHERE:\$PATH; exec $3"
exit 99
END
chmod +x "$SCRATCH/shell"
mkdir "$FAR.x" && rmdir "$FAR.x"
WHERE=$(dirname "$MAPSHARE")
export WHERE
echo more >>"$MOUNT/kept"
commit_all
mapshare follow --once --rsh="$SCRATCH/shell --option" --to "host:$FAR" "$MOUNT" >/dev/null || fail "by another program"
same_as_source
refused 1 "the far side ended with status 99" mapshare follow --once --rsh="$SCRATCH/shell" --to "host:$FAR" "$MOUNT"

# Where it is refused.
mkdir "$FAR.full" "$FAR/../plain.copy"
refused_by() { # TEXT COMMAND...
    ! "${@:2}" >"$SCRATCH/said" 2>"$SCRATCH/errors" || fail "not refused: ${*:2}"
    grep -q -- "$1" "$SCRATCH/errors" || fail "${*:2} says: $(cat "$SCRATCH/errors")"
}
refused_by "not a folder of a mount" mapshare follow --once --to "$FAR.full" "$MOUNT"
mkdir "$MOUNT/inside"
refused_by "give a folder of another mount" mapshare follow --once --to "$MOUNT/inside" "$MOUNT"
refused_by "give an empty folder" mapshare receive "$FAR/many"
follow_in_background
wait_until 20 eval '[ -n "$(far_receivers)" ] && [ -s "$SCRATCH/followed" ]' || fail "it does not follow"
refused_by "another follower" mapshare follow --once --to "$FAR" "$MOUNT"
kill $FOLLOWER
wait_gone 20 $(far_receivers) $FOLLOWER || fail "the far side stays"
refused 2 "only with --to" mapshare follow --once "$MOUNT"
refused 2 "FILE: one" mapshare follow "$MOUNT/kept" "$MOUNT/larger"
refused 2 "give FOLDER or HOST:FOLDER" mapshare follow --to=-oProxyCommand=x:y "$MOUNT"
chmod 755 "$MOUNT"
refused 1 "only root and the mount's owner" as_user "$MAPSHARE" follow --once --to "$FAR" "$MOUNT"

# Some of it; the copy is what was asked for.
follow "$MOUNT/many" "$MOUNT/e/one"
[ ! -e "$FAR/kept" ] && diff -r "$MOUNT/many" "$FAR/many" && cmp "$MOUNT/e/one" "$FAR/e/one" && [ ! -e "$FAR/e/f" ] || fail "parts: $(ls "$FAR")"

stop_far
stop_mount
