#!/usr/bin/env bash
# Small limits of the calling shell that cannot be raised: the mount works, or is refused with the figure, never half.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr prlimit python3 setpriv
scratch
chmod 777 "$STORE" "$MOUNT"
# Root without the right to raise limits, but with the right to mount.
without='setpriv --bounding-set -sys_resource --inh-caps -sys_resource'
is_root || without=

with() { # LIMITS [OPTIONS]
    # shellcheck disable=SC2086
    timeout 60 prlimit $1 $without "$MAPSHAREFS" -o "$DEFAULT_OPTIONS${2:+,$2}" "$STORE" "$MOUNT" 2>"$SCRATCH/said"
}

works() { # LIMITS
    USED_MOUNTS+=("$MOUNT")
    with "$@" || fail "$1: $(cat "$SCRATCH/said")"
    KEEPER=$(stats_value keeper_pid)
    USED_KEEPERS+=("$KEEPER")
    echo text >"$MOUNT/file"
    sync "$MOUNT/file"
}

refused() { # LIMITS FIGURE
    local status=0
    with "$1" || status=$?
    [ "$status" != 0 ] || { umount "$MOUNT" 2>/dev/null || fusermount3 -u "$MOUNT"; fail "$1: mounted"; }
    [ "$status" != 124 ] || fail "$1: hangs"
    [ "$status" -lt 124 ] || fail "$1: ended by a signal"
    grep -q "$2" "$SCRATCH/said" || fail "$1: no '$2' in: $(cat "$SCRATCH/said")"
    is_mounted "$MOUNT" && fail "$1: left mounted"
    return 0
}

refused --fsize=1048576:1048576 '1024 KiB (ulimit -f)'
refused --fsize=67108864:67108864 '65536 KiB (ulimit -f)' # shared memory counts, too
works --fsize=17179869184:17179869184
python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
try: os.ftruncate(fd, 1 << 36)
except OSError: pass
else: sys.exit("a file larger than the limit")
os.pwrite(fd, b"x" * 4096, 64 << 10)
os.fsync(fd)' "$MOUNT/large"
[ "$(cat "$MOUNT/file")" = text ] || fail "file sizes: the mount does not go on"
stop_mount

if [ -n "${SANITIZERS:-}" ]; then
    skip_part "a sanitizer takes more address space than a limit leaves"
else
    refused --as=536870912:536870912 '524288 KiB (ulimit -v)'
fi
refused --nofile=16:16 'limit of open files'

# The processor time of each worker: one that has had enough is replaced.
works --cpu=1:1 max_restarts=1000
worker=$(stats_value worker_pid)
replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }
burn() {
    dd if=/dev/zero of="$MOUNT/burn" bs=4k count=20000 conv=fsync,notrunc status=none || fail "a client noticed the end of a worker"
    replaced
}
wait_until 100 burn || fail "no worker has had a second of processor time"
[ "$(cat "$MOUNT/file")" = text ] || fail "processor time: the mount does not go on"
stop_mount
