#!/usr/bin/env bash
# A store that lies in another one that is mounted, or around one, is refused: each would change what the other believes to be its own.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
mkdir -p "$STORE/a/b" "$SCRATCH/second"

refused() { # STORE
    if timeout 60 "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$1" "$SCRATCH/second" 2>"$SCRATCH/said"; then
        umount "$SCRATCH/second" 2>/dev/null || fusermount3 -u "$SCRATCH/second"
        fail "$1 is mounted, too"
    fi
    grep -qE 'lies? in' "$SCRATCH/said" || fail "$1: it says: $(cat "$SCRATCH/said")"
    [ "$1" = "${STORE%/a}" ] || [ ! -e "$1/.mapshare" ] || fail "$1 has a private folder now"
}

start_mount
refused "$STORE/a"
refused "$STORE/a/b"
if unshare -m true 2>/dev/null; then # where the other mount cannot be seen, its lock tells
    export STORE SCRATCH MAPSHAREFS MOUNT DEFAULT_OPTIONS
    # shellcheck disable=SC2016
    unshare -m --propagation private bash -c 'umount -l "$MOUNT"; ! timeout 60 "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE/a" "$SCRATCH/second"' \
        2>"$SCRATCH/said" || fail "mounted from a namespace that does not see the other mount"
    grep -q 'lies in a store that is mounted' "$SCRATCH/said" || fail "from another namespace it says: $(cat "$SCRATCH/said")"
fi
stop_mount

STORE=$STORE/a
start_mount
refused "${STORE%/a}"
refused "$STORE/b"
stop_mount
# One after the other is no harm.
STORE=${STORE%/a}
start_mount
stop_mount
