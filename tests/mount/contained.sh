#!/usr/bin/env bash
# A daemon in a container: with namespaces of its own, the capabilities that container engines leave, and the one for mounting. Its worker is replaced there
# as elsewhere, and the store is complete.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr unshare setpriv
scratch
capabilities=-all
for name in chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap sys_admin; do
    capabilities+=,+$name
done
export MAPSHAREFS STORE MOUNT MAPSHARE
MAPSHARE=$(find_built mapshare)

# shellcheck disable=SC2016
timeout 120 unshare --mount --pid --ipc --uts --fork --kill-child setpriv --bounding-set="$capabilities" --inh-caps="$capabilities" bash -e -c '
    mount -t proc none /proc
    "$MAPSHAREFS" -o allow_other,journal_size=16M,cache_size=32M "$STORE" "$MOUNT"
    echo text >"$MOUNT/file"
    sync "$MOUNT/file"
    old=$(getfattr --only-values -n user.mapshare.stats "$MOUNT" | sed -n s/^worker_pid=//p)
    kill -KILL "$old"
    echo more >>"$MOUNT/file"
    [ "$(getfattr --only-values -n user.mapshare.stats "$MOUNT" | sed -n s/^worker_pid=//p)" != "$old" ]
    "$MAPSHARE" unmount "$MOUNT"
' >"$SCRATCH/said" 2>&1 || fail "in a container: $(cat "$SCRATCH/said")"
[ "$(cat "$STORE/file")" = $'text\nmore' ] || fail "the store has $(cat "$STORE/file")"
! is_mounted "$MOUNT" || fail "the mount left its container"
