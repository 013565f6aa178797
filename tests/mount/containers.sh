#!/usr/bin/env bash
# A container whose folder is a slave of the host's gets a mount that is made later, and lets it go when the
# host unmounts; in a user namespace, as in a container without root, a daemon of its own serves.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_root
need_program getfattr unshare setpriv
scratch

# -v /srv:/srv:rslave
mkdir "$SCRATCH/srv"
mount --bind "$SCRATCH/srv" "$SCRATCH/srv" && mount --make-shared "$SCRATCH/srv"
USED_LOOPS+=("$SCRATCH/srv")
MOUNT=$SCRATCH/srv/shared
mkdir "$MOUNT"
# shellcheck disable=SC2016
unshare -m --propagation slave bash -c '
    sees() { grep -q " $1 fuse" /proc/self/mounts; }
    touch "$2/ready"
    until sees "$1"; do sleep 0.01; done
    cat "$1/of-host" >"$2/seen"
    echo of-container >"$1/of-container"
    touch "$2/written"
    while sees "$1"; do sleep 0.01; done
    touch "$2/gone"' container "$MOUNT" "$SCRATCH" &
container=$!
kill_later $container
wait_until 60 test -e "$SCRATCH/ready" || fail "no namespace"
echo of-host >"$STORE/of-host"
start_mount
wait_until 60 test -e "$SCRATCH/written" || fail "the container does not see the mount"
[ "$(cat "$SCRATCH/seen" "$MOUNT/of-container")" = $'of-host\nof-container' ] || fail "host and container do not see the same"
"$MAPSHARE" unmount --timeout=60 "$MOUNT" 2>"$SCRATCH/said" || fail "unmount: $(cat "$SCRATCH/said")"
wait_until 60 test -e "$SCRATCH/gone" || fail "the container keeps the mount"
wait "$container"
[ "$(cat "$STORE/of-container")" = of-container ] || fail "the store has not what the container wrote"

# a daemon of its own in a user namespace, without root
mkdir "$SCRATCH/own" "$SCRATCH/own/store" "$SCRATCH/own/mount" "$SCRATCH/device"
chown -R 65534:65534 "$SCRATCH/own"
chmod 755 "$SCRATCH"
mount -t tmpfs -o dev,mode=755 none "$SCRATCH/device" && mknod -m 666 "$SCRATCH/device/fuse" c 10 229
USED_LOOPS+=("$SCRATCH/device")
as_user unshare -Urm true 2>/dev/null || { skip_part "no user namespaces"; exit 0; }
mount --bind "$SCRATCH/device/fuse" /dev/fuse
USED_LOOPS+=(/dev/fuse)
# shellcheck disable=SC2016
as_user unshare -Urm bash -ec '
    cd "$1"
    "$2" -o cache_size=32M,journal_size=4M store mount
    echo text >mount/file
    "$3" sync mount/file
    "$3" unmount mount
    [ "$(cat store/file)" = text ]' container "$SCRATCH/own" "$MAPSHAREFS" "$MAPSHARE" >"$SCRATCH/said" 2>&1 || fail "in a user namespace: $(cat "$SCRATCH/said")"
[ "$(cat "$SCRATCH/own/store/file")" = text ] || fail "the store has not what the other container wrote"
