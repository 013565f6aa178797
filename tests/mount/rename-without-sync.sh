#!/usr/bin/env bash
# Programs replace a file by writing a new one and renaming it, or make one and link it, without fsync. After a crash the new name leads to the new
# content, never to an empty file; so it is with atomic files, and with those at unmount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
need_tool
scratch
expect_deaths

replace() { # NUMBER
    echo "new $1" >"$MOUNT/settings.new"
    mv "$MOUNT/settings.new" "$MOUNT/settings"
    echo "linked $1" >"$MOUNT/object.new"
    ln "$MOUNT/object.new" "$MOUNT/object.$1"
    rm "$MOUNT/object.new"
    mkdir -p "$MOUNT/folder"
    echo "moved $1" >"$MOUNT/one"
    mv "$MOUNT/one" "$MOUNT/folder/two.$1"
    sed -i "s/.*/edited $1/" "$MOUNT/config"
    is_root || return 0
    python3 - "$MOUNT" "$1" <<'END' # through mappings that stay until then
import ctypes, mmap, os, sys
folder, text = sys.argv[1], b"mapped %s\n" % sys.argv[2].encode()
maps = []
def make(name):
    fd = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.ftruncate(fd, len(text))
    maps.append(mmap.mmap(fd, len(text)))
    maps[-1][:] = text
for name in "mapped.new", "exchanged", "exchanged.other", "linked.new":
    make(name)
os.rename(f"{folder}/mapped.new", f"{folder}/mapped")
ctypes.CDLL(None).renameat2(-100, f"{folder}/exchanged".encode(), -100, f"{folder}/exchanged.other".encode(), 2)
os.link(f"{folder}/linked.new", f"{folder}/linked.{sys.argv[2]}")
END
}

check() { # FOLDER NUMBER WHEN
    local pair pairs=("settings:new $2" "object.$2:linked $2" "folder/two.$2:moved $2" "config:edited $2")
    ! is_root || pairs+=("mapped:mapped $2" "exchanged:mapped $2" "exchanged.other:mapped $2" "linked.$2:mapped $2")
    for pair in "${pairs[@]}"; do
        [ "$(cat "$1/${pair%%:*}")" = "${pair#*:}" ] || fail "$3: ${pair%%:*} has '$(cat "$1/${pair%%:*}")', not '${pair#*:}'"
    done
}

for option in commit_interval=600 atomic; do
    rm -rf "$STORE"
    mkdir "$STORE"
    start_mount "$option"
    echo old | tee "$MOUNT/settings" >"$MOUNT/config"
    sync "$MOUNT/settings" "$MOUNT/config"
    replace 1
    kill_daemon
    start_mount "$option"
    check "$MOUNT" 1 "$option: after a crash"
    kill -9 "$(stats_value worker_pid)"
    replace 2
    stop_mount
    check "$STORE" 2 "$option: after unmounting"
done
