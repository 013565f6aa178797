#!/usr/bin/env bash
# The store's private folder can be neither seen, reached, made, replaced nor removed through the mount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
start_mount
[ -d "$STORE/.mapshare" ] || fail "the store has no private folder"
! ls -a "$MOUNT" | grep -q mapshare || fail "it is listed"
before=$(find "$STORE/.mapshare" -printf '%p %i\n' | sort)
echo text >"$MOUNT/file"
mkdir "$MOUNT/folder"
refused() {
    ! "$@" 2>/dev/null || fail "done: $*"
}
refused ls "$MOUNT/.mapshare"
refused stat "$MOUNT/.mapshare"
refused cat "$MOUNT/.mapshare/journal"
refused touch "$MOUNT/.mapshare"
refused touch "$MOUNT/.mapshare/x"
refused mkdir "$MOUNT/.mapshare"
refused mkfifo "$MOUNT/.mapshare"
refused ln -s x "$MOUNT/.mapshare"
refused ln "$MOUNT/file" "$MOUNT/.mapshare"
refused mv "$MOUNT/file" "$MOUNT/.mapshare"
refused mv "$MOUNT/.mapshare" "$MOUNT/moved"
refused mv -T "$MOUNT/folder" "$MOUNT/.mapshare"
refused rm "$MOUNT/.mapshare"
refused rm -r "$MOUNT/.mapshare"
refused rmdir "$MOUNT/.mapshare"
refused bash -c "echo x >'$MOUNT/.mapshare'"
# Reserved in every folder: a store may be mounted there.
refused mkdir "$MOUNT/folder/.mapshare"
mkdir "$STORE/folder/.mapshare"
! ls -a "$MOUNT/folder" | grep mapshare || fail "a nested store's private folder is listed"
refused ls "$MOUNT/folder/.mapshare"
[ "$before" = "$(find "$STORE/.mapshare" -printf '%p %i\n' | sort)" ] || fail "the private folder changed"
stop_mount
