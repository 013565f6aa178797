#!/usr/bin/env bash
# A backup shares with an earlier one what did not change, and only that; the earlier one stays as it was; neither is mounted where files are shared.
. "$(dirname "$0")/../lib.sh"
need_root
scratch
MAPSHARE=$(find_built mapshare)
expect_log 'is a backup that shares files with another one' 'have waited for a backup as long as they may'

backup() { # ARGUMENT...
    "$MAPSHARE" backup "$@" >"$SCRATCH/said" 2>&1 || fail "backup $*: $(cat "$SCRATCH/said")"
}
refused() { # REASON EARLIER
    ! "$MAPSHARE" backup -i "$2" "$MOUNT" "$BASE/refused" >"$SCRATCH/said" 2>&1 || fail "made from $2"
    grep -q -- "$1" "$SCRATCH/said" || fail "from $2: $(cat "$SCRATCH/said")"
    rm -rf "$BASE/refused"
}
fill() { # FOLDER FILES: a store, before it is mounted
    mkdir -p "$1/d"
    for name in still set-back mode moved replaced linked; do head -c 20000 /dev/urandom >"$1/d/$name"; done
    ln "$1/d/linked" "$1/other"
    setfattr -n user.color -v red "$1/d/still"
    seq -w "$2" | (cd "$1/d" && split -l 1 -a 4 - n)
    touch "$SCRATCH/filled"
}
state() { # FOLDER: all that a backup has, but for what another name changes
    (cd "$1" && find . -path ./.mapshare -prune -o -printf '%p %M %U %G %T@ %s %l\n' -o -name . | sort && find . -path ./.mapshare -prune -o -type f -print0 | sort -z | xargs -0 cksum)
}
same() { # FOLDER [EXCEPT]
    diff -r -x .mapshare "$MOUNT" "$1" >&2 || fail "$1 differs from the mount"
}
set_back() { # FILE: other content, the same size and mtime
    touch -r "$1" "$BASE/time"
    printf 'CHANGED' | dd of="$1" conv=notrunc,fsync status=none
    touch -r "$BASE/time" "$1"
    sync "$1"
}
stored() {
    [ "$(stats_value journal_used)" = 0 ]
}
share() { # FILE: of both
    [ "$(stat -c %i "$BASE/one/$1")" = "$(stat -c %i "$BASE/two/$1")" ]
}

run() { # linked|cloned: in $BASE
    start_mount
    backup "$MOUNT" "$BASE/one"
    same "$BASE/one"
    state "$BASE/one" >"$SCRATCH/before"

    set_back "$MOUNT/d/set-back"
    chmod 640 "$MOUNT/d/mode"
    mv "$MOUNT/d/moved" "$MOUNT/d/there"
    cp -p "$MOUNT/d/still" "$MOUNT/new"
    mv "$MOUNT/new" "$MOUNT/d/replaced"
    echo more >>"$MOUNT/d/replaced"
    wait_until 60 stored || fail "$1: the journal is not emptied" # and repairs nothing
    [ "$(stat -c %s.%y "$STORE/d/set-back")" = "$(stat -c %s.%y "$BASE/one/d/set-back")" ] || fail "$1: there is no trap"
    backup --json --incremental-from "$BASE/one" "$MOUNT" "$BASE/two"
    same "$BASE/two"
    state "$BASE/one" | diff "$SCRATCH/before" - >&2 || fail "$1: the earlier backup has changed"
    grep -q '"bytes_shared": [1-9]' "$SCRATCH/said" || fail "$1: nothing is shared: $(cat "$SCRATCH/said")"
    [ "$(stat -c %a "$BASE/two/d/mode")" = 640 ] || fail "$1: a mode"
    for name in d/set-back d/mode d/replaced; do ! share "$name" || fail "$1: $name is shared"; done
    if [ "$1" = linked ]; then
        for name in d/still d/linked other; do share "$name" || fail "$name is not shared"; done
    else
        ! share d/still || fail "a file is shared, not its blocks"
    fi
}

shares=
for system in xfs btrfs; do
    command -v "mkfs.$system" >/dev/null || { skip_part "no mkfs.$system"; continue; }
    mkdir "$SCRATCH/$system"
    truncate -s 400M "$SCRATCH/$system.image"
    "mkfs.$system" -q "$SCRATCH/$system.image" >/dev/null
    mount -o loop "$SCRATCH/$system.image" "$SCRATCH/$system" 2>/dev/null || { skip_part "cannot mount $system"; continue; }
    USED_LOOPS+=("$SCRATCH/$system")
    fill "$SCRATCH/$system/store" 1
    shares=$system
    break
done
fill "$STORE" 400
fill "$SCRATCH/other" 1
until [ $(($(date +%s) - $(stat -c %Y "$SCRATCH/filled"))) -gt 3 ]; do sleep 0.1; done # so old that it is known again

# ---- files are linked ----
BASE=$SCRATCH
run linked
set_back "$BASE/two/d/linked"
backup -i "$BASE/two" "$MOUNT" "$BASE/three"
same "$BASE/three"
[ "$(stat -c %i "$BASE/two/d/still")" = "$(stat -c %i "$BASE/three/d/still")" ] || fail "the third backup shares nothing with the second"

# What is committed, or gets another mode, while it is linked.
state "$BASE/three" >"$SCRATCH/before"
for _ in $(seq 30); do
    "$MAPSHARE" backup -i "$BASE/three" "$MOUNT" "$BASE/four" >"$SCRATCH/said" 2>&1 &
    making=$!
    kill_later "$making"
    until [ -h "$BASE/four/.mapshare/linked" ] || process_gone "$making"; do :; done
    kill -STOP "$making" 2>/dev/null && [ -e "$BASE/four/.mapshare/incomplete/objects" ] && break
    wait "$making" || fail "$(cat "$SCRATCH/said")"
    rm -rf "$BASE/four"
done
for name in naa{a..o}{a,m} still; do printf CHANGED | dd of="$MOUNT/d/$name" conv=notrunc,fsync status=none; done
chmod 600 "$MOUNT"/d/*
kill -CONT "$making"
wait "$making" || fail "$(cat "$SCRATCH/said")"
same "$BASE/four"
[ "$(stat -c %a "$BASE"/four/d/* | uniq)" = 600 ] || fail "modes"
state "$BASE/three" | diff "$SCRATCH/before" - >&2 || fail "what was written meanwhile is in the earlier backup"

mkdir "$BASE/empty" "$BASE/there"
refused 'has no .mapshare/index' "$BASE/empty"
cp -a "$BASE/three" "$BASE/copy"
refused 'of which this is a copy' "$BASE/copy"
refused 'No such file' "$BASE/nowhere"
small_disk "$BASE/empty" 4M
refused 'lies on another file system' "$BASE/empty"
! "$MAPSHARE" backup -i "$BASE/one" "$MOUNT" "$BASE/one/d/x" >"$SCRATCH/said" 2>&1 && grep -q 'lies in .* the earlier backup' "$SCRATCH/said" ||
    fail "within the earlier one: $(cat "$SCRATCH/said")"
printf x | dd of="$BASE/three/.mapshare/index" bs=1 seek=300 conv=notrunc status=none
refused 'cannot be read' "$BASE/three"
stop_mount

for name in three four; do
    ! "$MAPSHAREFS" "$BASE/$name" "$BASE/there" 2>>"$SCRATCH/daemon.log" || fail "$name is mounted"
done
[ "$(grep -c 'shares files with another one' "$SCRATCH/daemon.log")" = 2 ] || fail "they are refused for another reason"
STORE=$BASE/copy
start_mount
diff -r -x .mapshare "$MOUNT" "$BASE/three" >&2 || fail "a copy of a backup"
stop_mount
STORE=$BASE/other
start_mount
refused 'is of a backup of another store' "$BASE/three"
backup "$MOUNT" "$BASE/five"
stop_mount
STORE=$BASE/five
start_mount
echo changed >"$MOUNT/d/still"
stop_mount
STORE=$BASE/other
start_mount
refused 'was mounted since' "$BASE/five"
stop_mount

# ---- blocks are shared ----
[ -n "$shares" ] || exit 0
BASE=$SCRATCH/$shares
STORE=$BASE/store
run cloned
stop_mount
STORE=$BASE/two
start_mount
echo changed >"$MOUNT/d/still"
stop_mount
state "$BASE/one" | diff "$SCRATCH/before" - >&2 || fail "the earlier backup has changed with the one that was mounted"
