#!/usr/bin/env bash
# A private folder, a lock or a spill file that somebody else may have made is not used: the mount is refused with the reason, and what it
# leads to is as before.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch
echo untouched >"$PLAIN/bystander"
chmod 600 "$PLAIN/bystander"

refused() { # WHAT PATTERN
    local before status=0
    before=$(stat -c '%s %y %a %u %i' "$PLAIN/bystander"; cat "$PLAIN/bystander")
    timeout 20 "$MAPSHAREFS" -o "$DEFAULT_OPTIONS" "$STORE" "$MOUNT" 2>"$SCRATCH/said" </dev/null || status=$?
    [ "$status" != 0 ] || { umount "$MOUNT"; fail "$1: mounted"; }
    [ "$status" != 124 ] || fail "$1: hangs"
    grep -q "$2" "$SCRATCH/said" || fail "$1: it says: $(cat "$SCRATCH/said")"
    [ "$before" = "$(stat -c '%s %y %a %u %i' "$PLAIN/bystander"; cat "$PLAIN/bystander")" ] || fail "$1: the bystander changed"
    rm -rf "$STORE/.mapshare"
}

private=$STORE/.mapshare
ln -s "$PLAIN" "$private"
refused 'a link for the folder' 'cannot be used'
rm -f "$private"
mkdir "$private" && chown 4001 "$private"
refused 'the folder of another user' 'belongs to another user'
mkdir "$private" && chmod 777 "$private"
refused 'a folder that all may write to' 'may be written by others'
touch "$private"
refused 'a file for the folder' 'cannot be used'
mkdir -m 700 "$private" && ln -s "$PLAIN/bystander" "$private/lock"
refused 'a link for the lock' 'lock cannot be used'
mkdir -m 700 "$private" && ln "$PLAIN/bystander" "$private/lock"
refused 'another file for the lock' 'has another name'
mkdir -m 700 "$private" && mkfifo -m 600 "$private/lock"
refused 'a pipe for the lock' 'not a regular file'
mkdir -m 700 "$private" && touch "$private/lock" && chown 4001 "$private/lock"
refused 'a lock of another user' 'belongs to another user'
mkdir -m 700 "$private" && touch "$private/lock" && chmod 622 "$private/lock"
refused 'a lock that all may write' 'may be written by others'
mkdir -m 700 "$private" && ln "$PLAIN/bystander" "$private/spill" # the name that is used where files without a name are not possible
start_mount
stop_mount
[ "$(cat "$PLAIN/bystander")" = untouched ] || fail "the bystander has: $(cat "$PLAIN/bystander")"
