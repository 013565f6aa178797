#!/usr/bin/env bash
# A journal that somebody else may have put into the store is neither read nor replayed, by the tool or by a mount, and the reason is told.
. "$(dirname "$0")/lib.sh"
need_mount
need_root # to give the journal away
scratch
start_mount
echo content >"$MOUNT/file"
mapshare unmount "$MOUNT"
journal=$STORE/.mapshare/journal

# Is the store refused by all three, with this in the message?
check_refused() { # TEXT
    local command
    for command in "mapshare recover" "mapshare recover --give-up" "mapshare journal"; do
        ! $command "$STORE" >"$SCRATCH/out" 2>&1 || fail "$command: succeeds though the journal $1"
        grep -qF -- "$1" "$SCRATCH/out" || fail "$command: '$1' is not told: $(cat "$SCRATCH/out")"
    done
    ! "$MAPSHAREFS" "$STORE" "$MOUNT" >"$SCRATCH/out" 2>&1 || fail "the store is mounted though the journal $1"
}

chown 65534 "$journal"
check_refused ".mapshare/journal: belongs to another user"
chown 0 "$journal"
chmod 606 "$journal"
check_refused ".mapshare/journal: may be written by others"
chmod 600 "$journal"
ln "$journal" "$STORE/link"
check_refused ".mapshare/journal: has another name, too"
rm "$STORE/link"
chmod 777 "$STORE/.mapshare"
check_refused ".mapshare: may be written by others"
chmod 700 "$STORE/.mapshare"
mv "$journal" "$SCRATCH/real"
ln -s "$SCRATCH/real" "$journal"
check_refused "not a regular file"
rm "$journal"
mkfifo "$journal"
check_refused "not a regular file"
rm "$journal"
mv "$SCRATCH/real" "$journal"
mapshare recover "$STORE" >/dev/null || fail "the journal is as it was, and refused"
[ "$(cat "$STORE/file")" = content ] || fail "the file was changed"
