#!/usr/bin/env bash
# A remount changes what is named and nothing else; what cannot be changed is refused by its name; what it says it did shows in the mount
# table.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr
scratch

options_are() { # OPTION...: each is there, or with ! is not
    local line option
    line=,$(awk -v at="$(realpath "$MOUNT")" '$5 == at { print $6 "," $NF }' /proc/self/mountinfo),
    for option; do
        case $option in
        !*) [[ $line != *,${option#!},* ]] || fail "${option#!} is set: $line" ;;
        *) [[ $line == *,$option,* ]] || fail "$option is not set: $line" ;;
        esac
    done
}

options_are_now() { (options_are "$@"); }
remount() { "$MAPSHAREFS" -o "remount,$1" "$STORE" "$MOUNT" 2>"$SCRATCH/said" || fail "remount,$1: $(cat "$SCRATCH/said")"; }

refused() { # OPTIONS NAME
    if "$MAPSHAREFS" -o "remount,$1" "$STORE" "$MOUNT" 2>"$SCRATCH/said"; then fail "remount,$1 returns 0"; fi
    grep -q "$2" "$SCRATCH/said" || fail "remount,$1 does not name $2: $(cat "$SCRATCH/said")"
}

option_is() { "$MAPSHARE" options "$MOUNT" | grep -qx "$1" || fail "no $1 in $("$MAPSHARE" options "$MOUNT")"; }
expect_log ": set by user 0: (commit_interval=8|relatime|strictatime)$"

start_mount noexec,nodiratime,nosymfollow,silent,commit_interval=7
options_are nosuid nodev noexec nodiratime nosymfollow relatime rw
ln -s file "$MOUNT/link"
echo text >"$MOUNT/file"
cat "$MOUNT/link" 2>/dev/null && fail "a link is followed with nosymfollow"
remount ro
options_are nosuid nodev noexec nodiratime nosymfollow relatime ro
remount rw
options_are nosuid nodev noexec nodiratime nosymfollow relatime rw
remount exec,symfollow,nosuid
options_are nosuid nodev !noexec nodiratime !nosymfollow relatime rw
[ "$(cat "$MOUNT/link")" = text ] || fail "a link is not followed after symfollow"
remount suid,diratime
options_are !nosuid nodev !nodiratime relatime
remount "$DEFAULT_OPTIONS,allow_other,commit_interval=7,relatime,nosuid" # repeated as they are, as mount(8) does from fstab
options_are nosuid nodev

refused cache_size=1024G,noexec cache_max
options_are !noexec
refused commit_interval=8,threads=9 threads
option_is commit_interval=7
refused atomic atomic
refused fault=write/files/EIO fault
refused nonsense nonsense
remount commit_interval=8,noexec
option_is commit_interval=8
options_are noexec
stop_mount

start_mount noatime
options_are noatime !relatime
remount ro
options_are noatime ro
for _ in 1 2 3; do remount strictatime,ro; remount relatime,rw; done
option_is relatime
wait_until 30 options_are_now relatime rw || fail "relatime is not in the mount table"
stop_mount
