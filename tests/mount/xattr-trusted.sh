#!/usr/bin/env bash
# trusted attributes are listed for root only, as on the plain file system.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr setfattr setpriv
scratch
start_mount trusted
names() { # FOLDER: what root and what another user see
    : >"$1/file"
    setfattr -n trusted.secret -v x "$1/file" || skip "the store's file system has no trusted attributes"
    setfattr -n user.open -v y "$1/file"
    chmod 644 "$1/file"
    (
        cd "$1"
        getfattr -d -m - file
        setpriv --reuid 4001 --regid 4001 --clear-groups getfattr -d -m - file
    )
}
names "$PLAIN" >"$SCRATCH/expected"
names "$MOUNT" >"$SCRATCH/seen"
[ "$(grep -c trusted.secret "$SCRATCH/expected")" = 1 ] || fail "the plain file system tells otherwise: $(cat "$SCRATCH/expected")"
diff -u "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "the mount differs"
stop_mount
