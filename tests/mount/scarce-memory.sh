#!/usr/bin/env bash
# With no memory to lock, few descriptors and a store without O_DIRECT the mount works, or says why it does not.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
works() { # WHAT
    "$(helper mount/share)" "$MOUNT" >/dev/null || fail "$1: sharing fails"
    for i in $(seq 150); do
        echo "$i" >"$MOUNT/file-$i"
    done
    [ "$(cat "$MOUNT"/file-* | wc -l)" = 150 ] || fail "$1: files are lost"
    stop_mount
    [ "$(cat "$STORE"/file-* | wc -l)" = 150 ] || fail "$1: the store is not complete"
    rm -rf "${STORE:?}"/*
}
# CAP_IPC_LOCK lifts the limit, so a root without it is what an ordinary user is.
wrap() { # PROGRAM: a script that starts mapsharefs under other limits
    printf '#!/bin/bash\n%s\nexec "%s" "$@"\n' "$1" "$REAL" >"$SCRATCH/limited"
    chmod +x "$SCRATCH/limited"
    MAPSHAREFS=$SCRATCH/limited
}
REAL=$MAPSHAREFS
wrap 'ulimit -l 0'
start_mount
works "no locked memory"
wrap 'ulimit -n 128'
start_mount
for i in $(seq 250); do
    mkdir "$MOUNT/folder-$i"
    echo "$i" >"$MOUNT/folder-$i/file"
done
[ "$(cat "$MOUNT"/folder-*/file | wc -l)" = 250 ] || fail "few descriptors: files are lost"
works "128 descriptors"
MAPSHAREFS=$REAL
if is_root && mount -t ramfs none "$STORE" 2>/dev/null; then
    USED_LOOPS+=("$STORE")
    status=0
    "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" >"$SCRATCH/message" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        USED_MOUNTS+=("$MOUNT")
        KEEPER=$(stats_value keeper_pid)
        works "a store without O_DIRECT"
    else
        grep -qiE 'O_DIRECT|direct' "$SCRATCH/message" || fail "a store without O_DIRECT: the message is '$(cat "$SCRATCH/message")'"
        ! is_mounted "$MOUNT" || fail "left mounted"
    fi
else
    skip_part "a store without O_DIRECT needs root and ramfs"
fi
