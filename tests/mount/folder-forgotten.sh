#!/usr/bin/env bash
# Where handles mean nothing, a file is found by its folder. The kernel forgets folders before their files: what was written must reach the
# file that was meant, also when its worker died, and when another folder of the same name is where it was.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root # plays the memory pressure
need_program getfattr
need_fuse_for_all "$0"
need_tool
scratch
expect_deaths

try() { # kill|live
    rm -rf "$STORE"
    mkdir -p "$STORE/old"
    echo before >"$STORE/old/file"
    start_user_mount commit_interval=3600
    as_user bash -c "cd '$MOUNT' && mkdir -p d/e && echo content >d/e/x && echo after >old/file && mkdir -p m/n && echo moved >m/n/x && mv m elsewhere &&
        mkdir -p m/n && echo 'not this' >m/n/x"
    [ "$1" = live ] || kill -9 "$(user_stats_value worker_pid)"
    echo 2 >/proc/sys/vm/drop_caches
    as_user touch "$MOUNT"/{1,2,3,4,5,6,7,8} # whose records would take the folders' places
    as_user "$MAPSHARE" unmount "$MOUNT" || fail "$1: unmount"
    wait_gone 30 "$KEEPER" || fail "$1: the daemon stays"
    for pair in d/e/x:content old/file:after elsewhere/n/x:moved "m/n/x:not this"; do
        [ "$(cat "$STORE/${pair%%:*}")" = "${pair#*:}" ] || fail "$1: ${pair%%:*} has '$(cat "$STORE/${pair%%:*}")', not '${pair#*:}'"
    done
}

try live
try kill
