#!/usr/bin/env bash
# A mount begins and ends with one line each; what the kernel is too old for is warned of, once; ps shows the options whole; who may not use /dev/fuse is
# told what to do.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr ps setpriv
need_fuse_for_all "$0"
scratch
lines() { # REGEX COUNT
    [ "$(grep -cE "$1" "$SCRATCH/daemon.log")" = "$2" ] || fail "not $2 lines as $1: $(cat "$SCRATCH/daemon.log")"
}
begins="^mapsharefs: $STORE is mounted on $MOUNT: mapsharefs $("$MAPSHAREFS" --version | sed 's/.* //'), Linux $(uname -r), cache 64M, journal 16M,"

start_mount commit_interval=1000
ps -o args= -p "$KEEPER" | grep -q -- "-o $DEFAULT_OPTIONS,.*commit_interval=1000" || fail "ps shows $(ps -o args= -p "$KEEPER")"
wait_until 20 grep -q ' is mounted on ' "$SCRATCH/daemon.log" || fail "the mount is not told of"
lines "$begins nothing was to be recovered$" 1
echo text >"$MOUNT/file"
sync "$MOUNT/file"
kill -9 "$(stats_value worker_pid)"
expect_deaths
wait_until 20 grep -q 'the next one takes over' "$SCRATCH/daemon.log" || fail "the death is not told of"
sync "$MOUNT/file"
stop_mount
lines "^mapsharefs: $STORE is unmounted from $MOUNT and complete: 1 commits, 1 restarts$" 1
lines 'this is Linux' "$([ "$(printf '%s\n' 6.9 "$(uname -r)" | sort -V | head -n 1)" = 6.9 ] && echo 0 || grep -c 'this is Linux' "$SCRATCH/daemon.log")"

start_mount
echo text >"$MOUNT/file"
sync "$MOUNT/file"
kill_daemon
start_mount
wait_until 20 grep -q ' recovered 1 commits$' "$SCRATCH/daemon.log" || fail "the recovery is not told of"
stop_mount

if setarch --uname-2.6 true 2>/dev/null; then
    : >"$SCRATCH/daemon.log"
    start_daemon setsid setarch --uname-2.6 "$MAPSHAREFS" -f -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT"
    KEEPER=$(stats_value keeper_pid)
    lines "^mapsharefs: $MOUNT: this is Linux 2.6; before 6.9 the mount is not served any more when its worker dies" 1
    lines "^mapsharefs: $MOUNT: this is Linux 2.6; before 6.5 pages that are dirty in the kernel cannot be counted$" 1
    stop_mount
else
    skip_part "no older kernel can be played"
fi

if is_root && [ -n "${INSIDE_NAMESPACE:-}" ]; then
    chmod 600 /dev/fuse # a node of our own
    if as_user "$MAPSHAREFS" "$STORE" "$MOUNT" 2>"$SCRATCH/said"; then fail "mounted without /dev/fuse"; fi
    grep -qx 'mapsharefs: /dev/fuse: Permission denied; who mounts must be able to read and write it (ls -l /dev/fuse)' "$SCRATCH/said" ||
        fail "without a right to /dev/fuse it says $(cat "$SCRATCH/said")"
else
    skip_part "no /dev/fuse of our own"
fi
