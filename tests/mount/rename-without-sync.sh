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
}

check() { # FOLDER NUMBER WHEN
    local pair
    for pair in "settings:new $2" "object.$2:linked $2" "folder/two.$2:moved $2" "config:edited $2"; do
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
