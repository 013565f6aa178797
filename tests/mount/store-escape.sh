#!/usr/bin/env bash
# Nothing outside the store can be reached: a folder of the store replaced by a symbolic link behind the daemon's back, links in the
# store that point out, and '..' at the root.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
outside=$SCRATCH/outside
mkdir "$outside" "$STORE/folder" "$STORE/folder/deeper"
echo SECRET >"$outside/secret"
chmod 600 "$outside/secret"
touch "$outside/victim" "$outside/victim2" "$STORE/folder/victim3"
ln -s "$outside" "$STORE/link"
ln -s "$outside/secret" "$STORE/file-link"
ln -s ../../../../../../etc "$STORE/dots"
picture() {
    find "$outside" -printf '%p %m %s %n\n' | sort
}
before=$(picture)
start_mount

# A symbolic link is the client's to follow, not the daemon's: it is told as a link, and changed as a link.
for name in link file-link dots; do
    [ -L "$MOUNT/$name" ] || fail "$name is not told as a link"
    [ "$(readlink "$MOUNT/$name")" = "$(readlink "$STORE/$name")" ] || fail "$name points elsewhere"
done
chown -h "$(id -u)" "$MOUNT/file-link"
touch -h -d 2001-01-01 "$MOUNT/file-link"
[ "$(stat -c %Y "$outside/secret")" -gt 1000000000 ] || fail "a time was set through a link"

for swap in folder folder/deeper; do
    coproc REACHER { exec "$(helper mount/store-escape)" "$MOUNT/$swap"; }
    kill_later "$REACHER_PID"
    pid=$REACHER_PID
    read -r _ <&"${REACHER[0]}"
    mv "$STORE/$swap" "$STORE/moved-away"
    ln -s "$outside" "$STORE/$swap"
    echo go >&"${REACHER[1]}"
    ! grep -q SECRET <&"${REACHER[0]}" || fail "the daemon followed a link out of the store"
    wait "$pid" || fail "the client failed"
    rm "$STORE/$swap"
    mv "$STORE/moved-away" "$STORE/$swap"
    rm -rf "$STORE/$swap"/{made,made-folder,made-link,linked,renamed}
done
[ "$before" = "$(picture)" ] || { diff <(echo "$before") <(picture) >&2; fail "something outside the store changed"; }
[ "$(stat -c %d:%i "$MOUNT/..")" = "$(stat -c %d:%i "$SCRATCH")" ] || fail "'..' at the root leads elsewhere"
stop_mount
