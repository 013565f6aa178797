#!/usr/bin/env bash
# Remounting read-only refuses every change and keeps what was stored before; remounting read-write goes on. A mount with ro too.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr setfattr
scratch
start_mount
echo before >"$MOUNT/file"
mkdir "$MOUNT/folder"
mount -i -o remount,ro "$MOUNT" # -i: without the helper, which fstab.sh tries
refused() {
    local message
    message=$("$@" 2>&1) && fail "done on a read-only mount: $*"
    [[ $message == *"Read-only"* ]] || fail "$*: $message"
}
expect_read_only() {
    refused bash -c "echo x >'$MOUNT/file'"
    refused touch "$MOUNT/new"
    refused mkdir "$MOUNT/new"
    refused rm "$MOUNT/file"
    refused rmdir "$MOUNT/folder"
    refused mv "$MOUNT/file" "$MOUNT/moved"
    refused ln "$MOUNT/file" "$MOUNT/linked"
    refused ln -s x "$MOUNT/linked"
    refused chmod 600 "$MOUNT/file"
    refused chown 1 "$MOUNT/file"
    refused touch -d 2001-01-01 "$MOUNT/file"
    refused truncate -s 1 "$MOUNT/file"
    refused setfattr -n user.x -v 1 "$MOUNT/file"
    [ "$(cat "$MOUNT/file")" = before ] || fail "the content changed"
}
expect_read_only
[ "$(attribute dirty "$MOUNT/file")" -ge 0 ]
mount -i -o remount,rw "$MOUNT"
echo after >"$MOUNT/file"
stop_mount
[ "$(cat "$STORE/file")" = after ] || fail "the store has $(cat "$STORE/file")"

echo before >"$STORE/file"
before=$(cd "$STORE" && find . -path ./.mapshare -prune -o -printf '%p %T@ %C@ %s\n' | sort)
start_mount ro
expect_read_only
stop_mount
[ "$before" = "$(cd "$STORE" && find . -path ./.mapshare -prune -o -printf '%p %T@ %C@ %s\n' | sort)" ] || fail "a read-only mount changed the store"
