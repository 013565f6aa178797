#!/usr/bin/env bash
# All processes of a mount are killed at once, under writers. Its arena has a name (option arena): the next mount commits what default files had received, not one
# answered write is missing, and atomic files are as of their last commits. An arena that cannot be used is refused with the reason, and the mount goes on.
. "$(dirname "$0")/../lib.sh"
need_mount
need_tool
need_root
need_program getfattr python3
scratch
mkdir "$SCRATCH/memory"
mount -t tmpfs -o mode=700 none "$SCRATCH/memory" || skip "cannot mount a tmpfs"
USED_LOOPS+=("$SCRATCH/memory")
FOLDER=$SCRATCH/memory/arenas
OPTIONS=commit_interval=600,cache_size=16M,journal_size=8M,max_restarts=100
expect_log '[0-9]+ pages that it had received are committed now' 'cache_size is used up: pages go to the spill file'

arena() { echo "$FOLDER"/mapshare-*; }
expect_arena() { [ -f "$(arena)" ] || fail "$1: there is no arena: $(ls "$FOLDER")"; }
expect_none() { [ -z "$(ls "$FOLDER")" ] && [ ! -e "$STORE/.mapshare/spill" ] || fail "$1: left: $(ls "$FOLDER" "$STORE/.mapshare")"; }
says() { # PATTERN...: since the last time
    local pattern
    for pattern in "$@"; do
        tail -n +"$((told + 1))" "$SCRATCH/daemon.log" | grep -q "$pattern" || fail "it does not say '$pattern': $(tail -n +"$((told + 1))" "$SCRATCH/daemon.log")"
    done
    told=$(wc -l <"$SCRATCH/daemon.log")
}
told=0

# Numbered writes of eight pages at places that come again; each number is noted once its write was answered.
writer='
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
notes = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
places = int(sys.argv[3])
n = 0
while True:
    n += 1
    os.pwrite(file, n.to_bytes(8, "little") * 4096, n % places * 32768)
    os.write(notes, b"%d\n" % n)
'
checker='
import os, sys
data, places = open(sys.argv[1], "rb").read(), int(sys.argv[3])
last = int(open(sys.argv[2]).read().split()[-1])
for n in range(max(1, last - places + 1), last + 1):
    for at in range(n % places * 32768, (n % places + 1) * 32768, 4096):
        page = data[at : at + 4096]
        found = int.from_bytes(page[:8], "little")
        if page != page[:8] * 512 or found not in (n, n + places):
            sys.exit(f"{sys.argv[1]}: write {n} of {last} was answered, a page of it has {found}")
print(f"{sys.argv[1]}: {last} writes")
'
places=(0 8 190 750) # the last does not fit into the cache
start_writers() {
    local i
    for i in 1 2 3; do
        rm -f "$SCRATCH/notes-$i"
        python3 -c "$writer" "$MOUNT/written-$i" "$SCRATCH/notes-$i" "${places[i]}" 2>/dev/null &
        kill_later $!
    done
    wait_until 60 all_have 575 || fail "the writers do not get on"
}
all_have() {
    local i
    for i in 1 2 3; do [ "$(wc -l <"$SCRATCH/notes-$i")" -gt "$1" ] || return 1; done
}
check_writers() {
    local i
    for i in 1 2 3; do python3 -c "$checker" "$1/written-$i" "$SCRATCH/notes-$i" "${places[i]}" || fail "an answered write is lost"; done
}
received() { # NAME: 8 pages, committed, then one of them written and not committed
    head -c 32768 /dev/zero | tr '\0' a >"$MOUNT/$1"
    sync "$MOUNT/$1"
    printf received | dd of="$MOUNT/$1" bs=1 seek=8192 conv=notrunc status=none
}
has_received() { [ "$(dd if="$1" bs=1 skip=8192 count=8 status=none)" = received ] && [ "$(stat -c %s "$1")" = 32768 ]; }
killed_at_once() {
    kill_daemon
    expect_arena "$1"
}

# Under writers, one of which needs the spill file; a file that has no name any more, one that was renamed; atomic files.
start_mount "$OPTIONS,arena=$FOLDER"
expect_arena "mounted"
[ "$(stat -c '%a %h' "$(arena)") $(stat -c %a "$FOLDER")" = '600 1 700' ] || fail "the arena may be used by others: $(ls -ld "$FOLDER" "$(arena)")"
mkdir "$MOUNT/folder"
received before
mv "$MOUNT/before" "$MOUNT/folder/renamed"
printf received | dd of="$MOUNT/folder/renamed" bs=1 seek=8192 conv=notrunc status=none
touch "$MOUNT/atomic"
setfattr -n user.mapshare.atomic -v 1 "$MOUNT/atomic"
received atomic
exec 8<>"$MOUNT/removed"
rm "$MOUNT/removed"
echo nothing >&8
truncate -s 12345 "$MOUNT/longer"
start_writers
killed_at_once "killed"
exec 8>&-
expect_log '[0-9]+ pages that no program had committed are dropped: these files are as of their last commits'
start_mount "$OPTIONS,arena=$FOLDER"
says 'pages that it had received are committed now' '1 pages that no program had committed are dropped'
check_writers "$MOUNT"
has_received "$MOUNT/folder/renamed" || fail "what a renamed file had received is lost"
[ "$(tr -d a <"$MOUNT/atomic" | wc -c) $(stat -c %s "$MOUNT/atomic")" = '0 32768' ] || fail "what nobody committed of an atomic file is there"
[ "$(stat -c %s "$MOUNT/longer")" = 12345 ] || fail "a size is lost"
[ ! -e "$MOUNT/removed" ] || fail "a removed file is back"

# The spill file was needed, and has given its blocks back. A worker dies, the program is replaced; the next mount has no such option.
head -c 30M /dev/zero >"$MOUNT/atomic"
[ "$(stats_value frames_spilled_max)" -gt 0 ] || fail "nothing was spilled"
truncate -s 0 "$MOUNT/atomic"
nothing_spilled() { [ "$(stats_value frames_spilled_max)" = 0 ]; }
wait_until 30 nothing_spilled || fail "the spill file keeps its blocks"
worker=$(stats_value worker_pid)
expect_deaths
expect_log 'the program was replaced: mapsharefs '
received default
kill -9 "$worker"
replaced() { [ "$(stats_value worker_pid)" != "$worker" ] && has_received "$MOUNT/default"; }
wait_until 30 replaced || fail "no next worker"
"$MAPSHARE" upgrade "$MOUNT" || fail "upgrade ended with $?"
killed_at_once "killed after an upgrade"
start_mount "$OPTIONS"
says 'pages that it had received are committed now'
has_received "$MOUNT/default" || fail "what was received before an upgrade is lost"
expect_none "taken up by a mount without the option"
stop_mount
check_writers "$STORE"

# In order, nothing is left.
start_mount "$OPTIONS,arena=$FOLDER"
received default
stop_mount
expect_none "unmounted"
has_received "$STORE/default" || fail "the store is not complete"

# Damaged records are contained: their files are as of their last commits, the others have all that was received.
expect_log 'inode [0-9]+: its record in memory is damaged \(.*\): nothing of it is written to the store any more'
damage() { "$(helper mount/damage-arena)" "$(arena)" "$1" "$2"; }
as_committed() { [ "$(head -c 32768 "$1" | tr -d a | wc -c) $(stat -c %s "$1")" = '0 32768' ]; }
start_mount "$OPTIONS,arena=$FOLDER"
kinds='inode file frame'
for kind in $kinds whole; do received "$kind"; done
killed_at_once "killed with damage"
for kind in $kinds; do damage "$kind" "$(stat -c %i "$STORE/$kind")"; done
start_mount "$OPTIONS,arena=$FOLDER"
says 'its record in memory is damaged' '1 pages that it had received are committed now'
for kind in $kinds; do as_committed "$MOUNT/$kind" || fail "damaged $kind: the file is not as of its last commit"; done
has_received "$MOUNT/whole" || fail "a file that was not damaged lost what it had received"

# Refused: what was committed is there, what was only received is lost.
refused() { # PATTERN COMMAND...: done to the arena of the mount that there is; leaves another
    expect_log "$1"
    received refused
    killed_at_once "$1"
    "${@:2}"
    start_mount "$OPTIONS,arena=$FOLDER"
    says "$1"
    as_committed "$MOUNT/refused" || fail "$1: the file is not as of its last commit"
}
patch_header() { printf "\x77" | dd of="$(arena)" bs=1 seek="$1" conv=notrunc status=none; }
keep() { mv "$(arena)" "$SCRATCH/memory/kept"; }
mounted_between() {
    keep
    start_mount "$OPTIONS"
    stop_mount
    mv "$SCRATCH/memory/kept" "$FOLDER/$name"
}
recovered_between() { # not before it was told what that drops
    ! "$MAPSHARE" recover "$STORE" >"$SCRATCH/said" 2>&1 || fail "a recovery drops what the arena has: $(cat "$SCRATCH/said")"
    grep -q "$(arena) has what they had received and not committed: mount the store" "$SCRATCH/said" || fail "recover says $(cat "$SCRATCH/said")"
    "$MAPSHARE" recover --give-up "$STORE" >"$SCRATCH/said" 2>&1 || fail "recover ended with $?: $(cat "$SCRATCH/said")"
    grep -q "$(arena): gave up what it has" "$SCRATCH/said" || fail "recover --give-up says $(cat "$SCRATCH/said")"
}
of_another_store() {
    local store=$STORE
    keep
    STORE=$SCRATCH/other
    mkdir "$STORE"
    start_mount "$OPTIONS,arena=$FOLDER"
    received other
    killed_at_once "another store"
    mv "$(arena)" "$FOLDER/$name"
    STORE=$store
    rm "$SCRATCH/memory/kept"
}
another_boot() {
    tr 0-9a-f 1-9a-f0 </proc/sys/kernel/random/boot_id >"$SCRATCH/boot"
    mount --bind "$SCRATCH/boot" /proc/sys/kernel/random/boot_id
}
name=$(basename "$(arena)")
refused 'its header is damaged: what it has beyond' patch_header 16
refused 'it is laid out in another way, as another version does' patch_header 8
refused 'its spill file is gone' rm "$STORE/.mapshare/spill"
refused 'the store was mounted or recovered since' mounted_between
refused 'the store was mounted or recovered since' recovered_between
refused "it is another store's" of_another_store
refused 'the machine was started anew since' another_boot
umount /proc/sys/kernel/random/boot_id 2>/dev/null || true # the kernel may have dropped what lay below

# Planted: not used, not removed, and no reason not to mount.
stop_mount
planted() { # PATTERN COMMAND...
    expect_log "$1" 'cannot be made \(File exists\): what was received and not committed is lost'
    start_mount "$OPTIONS,arena=$FOLDER"
    received refused
    killed_at_once "$1"
    "${@:2}"
    start_mount "$OPTIONS,arena=$FOLDER"
    says "$1" 'cannot be made (File exists)'
    as_committed "$MOUNT/refused" || fail "$1: the file is not as of its last commit"
    stop_mount
    [ -e "$FOLDER/$name" ] || [ -L "$FOLDER/$name" ] || fail "$1: what somebody else made is removed"
    rm -f "$FOLDER"/*
}
planted 'belongs to another user: not used' chown 4001 "$FOLDER/$name"
link() { keep && ln -s "$SCRATCH/memory/kept" "$FOLDER/$name"; }
planted 'Too many levels of symbolic links: not used' link
rm "$SCRATCH/memory/kept"
bad_folder() { # FOLDER PATTERN
    ! "$MAPSHAREFS" -o "$DEFAULT_OPTIONS,arena=$1" "$STORE" "$MOUNT" 2>"$SCRATCH/said" || fail "$1: mounted"
    grep -q "$2" "$SCRATCH/said" || fail "$1: it says $(cat "$SCRATCH/said")"
}
mkdir "$SCRATCH/memory/"{all,theirs}
chmod 1777 "$SCRATCH/memory/all"
chown 4001 "$SCRATCH/memory/theirs"
bad_folder "$SCRATCH/memory/all" 'may be written by others'
bad_folder "$SCRATCH/memory/theirs" 'belongs to another user'
bad_folder "$SCRATCH" 'neither on a tmpfs nor on a hugetlbfs'
bad_folder "$SCRATCH/none/there" 'No such file'
mount -o remount,size=24M "$SCRATCH/memory"
bad_folder "$FOLDER" 'no memory in arena=.*No space left'
