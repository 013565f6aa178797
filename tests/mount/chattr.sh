#!/usr/bin/env bash
# The flags of chattr are the store's: seen, set and taken away through the mount; but none that keeps the daemon from writing.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr chattr lsattr
scratch
start_mount
mkdir "$MOUNT/folder"
echo x >"$MOUNT/file"
sync "$MOUNT/file"
chattr +d "$STORE/file" 2>/dev/null || skip "the store's file system has no such flags"
chattr -d "$STORE/file"

flags_of() { lsattr -d "$1" | cut -d' ' -f1; }
same() { # WHAT NAME
    [ "$(flags_of "$MOUNT/$2")" = "$(flags_of "$STORE/$2")" ] || fail "$1: $2 has $(flags_of "$MOUNT/$2"), in the store $(flags_of "$STORE/$2")"
}
for name in file folder; do
    same "at first" $name
    for flag in d A S dA; do
        before=$(flags_of "$MOUNT/$name")
        chattr "+$flag" "$MOUNT/$name" || fail "chattr +$flag $name"
        same "+$flag" $name
        [ "$(flags_of "$MOUNT/$name")" != "$before" ] || fail "+$flag $name changed nothing"
        chattr "-$flag" "$MOUNT/$name" || fail "chattr -$flag $name"
        [ "$(flags_of "$MOUNT/$name")" = "$before" ] || fail "-$flag $name"
    done
done
if ! is_root; then
    skip_part "flags that forbid writing need root"
    stop_mount
    exit 0
fi
for flag in i a; do
    ! chattr +$flag "$MOUNT/file" 2>/dev/null || { chattr -$flag "$STORE/file"; fail "+$flag was set through the mount"; }
done
stop_mount
for flag in i a; do
    echo x >"$STORE/had-$flag"
    chattr +$flag "$STORE/had-$flag" 2>/dev/null || { skip_part "the store does not allow +$flag"; continue; }
    start_mount trusted
    seen=$(flags_of "$MOUNT/had-$flag")
    written=0 away=0
    bash -c "echo y >'$MOUNT/had-$flag'" 2>/dev/null && written=1
    chattr -$flag "$MOUNT/had-$flag" && away=1
    chattr -$flag "$STORE/had-$flag" # else nothing could remove it
    [[ $seen == *$flag* ]] || fail "+$flag of the store is not seen: $seen"
    [ $written = 0 ] || fail "a file with +$flag could be written"
    [ $away = 1 ] || fail "-$flag through the mount"
    echo y >"$MOUNT/had-$flag" || fail "not writable after -$flag"
    stop_mount
done
