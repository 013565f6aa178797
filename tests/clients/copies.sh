#!/usr/bin/env bash
# tar and rsync -aHAX round trips: a tree with hard links, symbolic links, fifos, holes, attributes, lists, modes and times goes onto
# the mount and back, and is the same.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr rsync tar
scratch
start_mount
tree=$PLAIN/tree
mkdir -p "$tree/folder/deeper" "$tree/empty"
for i in $(seq 50); do
    head -c $((i * 1777)) /dev/urandom >"$tree/folder/file-$i"
done
ln "$tree/folder/file-1" "$tree/folder/deeper/hard"
ln -s ../file-2 "$tree/folder/deeper/symbolic"
ln -s dangling "$tree/dangling"
mkfifo "$tree/fifo"
truncate -s 10M "$tree/holes"
printf data | dd of="$tree/holes" bs=1 seek=5000000 conv=notrunc status=none
: >"$tree/nothing"
setfattr -n user.colour -v blue "$tree/folder/file-3"
setfattr -n user.folder -v yes "$tree/folder"
command -v setfacl >/dev/null && setfacl -m u:4001:r "$tree/folder/file-4" 2>/dev/null && setfacl -d -m u:4001:rx "$tree/folder/deeper"
chmod 4751 "$tree/folder/file-5"
chmod 1777 "$tree/empty"
touch -d '1999-12-31 23:59:59.987654321' "$tree/folder/file-6"
touch -d '2039-06-01' "$tree/folder"
is_root && chown 4001:4002 "$tree/folder/file-7" "$tree/empty" && chown -h 4001 "$tree/dangling"
picture() { # FOLDER
    (
        cd "$1" || exit 1
        find . -printf "%p %y %m %n %U:%G %l %T@ " \( -type f -printf '%s\n' -o -printf '\n' \) | sort
        find . -type f -print0 | sort -z | xargs -0 md5sum
        find . -print0 | sort -z | xargs -0 getfattr -h -d -m 'user|posix' 2>/dev/null || true
    )
}
expected=$(picture "$tree")
same() { # FOLDER WHAT
    diff <(echo "$expected") <(echo "$(picture "$1")") >"$SCRATCH/difference" || { head -n 20 "$SCRATCH/difference" >&2; fail "$2: the tree is another"; }
}
rsync -aHAXS --modify-window=-1 "$tree/" "$MOUNT/rsync"
same "$MOUNT/rsync" "rsync onto the mount"
rsync -aHAXS --modify-window=-1 "$MOUNT/rsync/" "$PLAIN/back"
same "$PLAIN/back" "rsync from the mount"
[ -z "$(rsync -aHAXcni --delete "$tree/" "$MOUNT/rsync")" ] || fail "rsync finds a difference: $(rsync -aHAXcni "$tree/" "$MOUNT/rsync")"
mkdir "$MOUNT/tar" "$PLAIN/untar"
tar -C "$tree" --xattrs --acls -S -cf - . | tar -C "$MOUNT/tar" --xattrs --xattrs-include='*' --acls -xpf -
same "$MOUNT/tar" "tar onto the mount"
tar -C "$MOUNT/tar" --xattrs --acls -S -cf - . | tar -C "$PLAIN/untar" --xattrs --xattrs-include='*' --acls -xpf -
same "$PLAIN/untar" "tar from the mount"
cp -a "$MOUNT/tar" "$MOUNT/cp"
same "$MOUNT/cp" "cp -a on the mount"
[ "$(stat -c %b "$MOUNT/cp/holes")" -lt 2000 ] || fail "the holes were filled: $(stat -c %b "$MOUNT/cp/holes") blocks"
stop_mount
same "$STORE/rsync" "the store after rsync"
same "$STORE/tar" "the store after tar"
same "$STORE/cp" "the store after cp"
