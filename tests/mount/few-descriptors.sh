#!/usr/bin/env bash
# The daemon's limit of open files is its own matter: with few, thousands of new files and folders are made, read after the kernel forgot them,
# and committed; none fails, none is left behind, and there are never more open than the limit leaves. A limit that is too low is refused.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr python3
need_fuse_for_all "$0"
scratch
as() { # USER COMMAND...
    if [ "$1" = root ]; then "${@:2}"; else as_user "${@:2}"; fi
}

make_many() { # FOLDERS FILES: without a program each
    python3 - "$MOUNT" "$@" <<'END'
import os, sys
top, folders, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for d in range(folders):
    os.mkdir(f"{top}/d{d}")
    for f in range(files):
        with open(f"{top}/d{d}/f{f}", "xb") as file:
            file.write(b"%d %d\n" % (d, f))
END
}

check_many() { # FOLDER FOLDERS FILES
    python3 - "$@" <<'END'
import os, sys
top, folders, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
wrong = [(d, f) for d in range(folders) for f in range(files) if open(f"{top}/d{d}/f{f}", "rb").read() != b"%d %d\n" % (d, f)]
sys.exit(f"{len(wrong)} files are wrong, first {wrong[0]}" if wrong else 0)
END
}

all_is_committed() {
    [ "$(as "$user" getfattr --only-values --absolute-names -n user.mapshare.stats "$MOUNT" | sed -n 's/^frames_received=//p')" = 0 ]
}

try() { # USER LIMIT FOLDERS
    local user=$1 limit=$2 folders=$3 open
    rm -rf "$STORE"
    mkdir "$STORE"
    if [ "$user" = root ]; then
        (ulimit -n "$limit"; start_mount commit_interval=1) || fail "root: ulimit -n $limit: cannot mount"
        KEEPER=$(stats_value keeper_pid)
        USED_MOUNTS+=("$MOUNT") USED_KEEPERS+=("$KEEPER")
    else
        start_user_mount commit_interval=1 "$limit"
    fi
    as "$user" bash -c "$(declare -f make_many); MOUNT='$MOUNT'; make_many $folders 40" || fail "$user: ulimit -n $limit: a client saw the limit"
    open=$(find "/proc/$KEEPER/fd" -mindepth 1 | wc -l)
    [ "$open" -le "$limit" ] || fail "$user: ulimit -n $limit: $open are open"
    is_root && echo 2 >/proc/sys/vm/drop_caches # the kernel forgets files and folders
    as "$user" bash -c "$(declare -f check_many); check_many '$MOUNT' $folders 40" || fail "$user: ulimit -n $limit: on the mount"
    wait_until 60 all_is_committed || fail "$user: ulimit -n $limit: what was written is not committed"
    as "$user" "$MAPSHARE" unmount "$MOUNT" || fail "$user: ulimit -n $limit: unmount"
    wait_gone 30 "$KEEPER" || fail "$user: ulimit -n $limit: the daemon stays"
    check_many "$STORE" "$folders" 40 || fail "$user: ulimit -n $limit: in the store"
    ! grep -E 'cannot be|are lost' "$SCRATCH/daemon.log" || fail "$user: ulimit -n $limit: the daemon complains"
}

need_tool
if is_root; then
    try root 256 50
    try root 1024 50
fi
try user 256 50
try user 512 50

rm -rf "$STORE"
mkdir "$STORE"
message=$(bash -c 'ulimit -n 80; exec "$@"' - "$MAPSHAREFS" -f -o threads=64 "$STORE" "$MOUNT" 2>&1) && fail "80 descriptors for 64 threads"
grep -q 'limit of open files is 80' <<<"$message" || fail "no word of the limit: $message"
! is_mounted "$MOUNT" || fail "refused, and mounted"
