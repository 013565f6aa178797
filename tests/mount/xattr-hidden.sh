#!/usr/bin/env bash
# The virtual attributes are not listed and not copied; attributes of the user's own are.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfattr tar rsync
scratch
start_mount

for kind in dirty dirty.kernel dirty.received committed writeback failed ranges commit error atomic; do
    echo text >"$MOUNT/file"
    attribute "$kind" "$MOUNT/file" >/dev/null || fail "cannot read $kind"
done
setfattr -n user.mine -v kept "$MOUNT/file"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/file"

listed=$(getfattr --absolute-names -m - "$MOUNT/file" | grep -v '^#' | grep -v '^$' | grep -v '^security\.')
[ "$listed" = user.mine ] || fail "listed: $listed"
listed=$(getfattr --absolute-names -m - "$MOUNT" | grep '^user\.mapshare' || true)
[ -z "$listed" ] || fail "the root lists $listed"

mkdir "$PLAIN/copies"
cp -a "$MOUNT/file" "$PLAIN/copies/cp"
rsync -aX "$MOUNT/file" "$PLAIN/copies/rsync"
tar -C "$MOUNT" --xattrs --xattrs-include='*' -cf "$PLAIN/file.tar" file
tar -C "$PLAIN/copies" --xattrs --xattrs-include='*' -xf "$PLAIN/file.tar"
for copy in cp rsync file; do
    [ "$(getfattr --only-values --absolute-names -n user.mine "$PLAIN/copies/$copy")" = kept ] || fail "$copy lost user.mine"
    if getfattr --absolute-names -d -m 'user\.mapshare' "$PLAIN/copies/$copy" | grep -q '^user\.mapshare'; then
        fail "$copy carries a virtual attribute"
    fi
done

# Copies on the mount itself: the copy is an ordinary file again.
cp -a "$MOUNT/file" "$MOUNT/copy"
[ "$(attribute atomic "$MOUNT/copy")" = 0 ] || fail "cp -a made an atomic file"
stop_mount
if getfattr --absolute-names -d -m - "$STORE/copy" | grep -q '^user\.mapshare'; then
    fail "a virtual attribute in the store of a file that never had one"
fi
