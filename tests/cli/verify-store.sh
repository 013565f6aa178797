#!/usr/bin/env bash
# mapshare verify of a store tells what does not hold and what a recovery would do, whether it is mounted or not, and changes nothing.
. "$(dirname "$0")/lib.sh"
need_mount
need_root
need_program getfattr python3
scratch
start_mount
expect_log 'cannot be written to the store: Input/output error' 'the store could not be completed: Input/output error'
journal=$STORE/.mapshare/journal

all() { # of a folder, its times too
    find "$1" -printf '%p %y %m %U %s %A@ %T@ %C@ %l\n' | sort
}
holds() { # FOLDER: what it says is in $SCRATCH/said, or as JSON
    mapshare verify "$1" >"$SCRATCH/said" 2>&1 || fail "it does not hold: $(cat "$SCRATCH/said")"
    ! grep -q ^wrong "$SCRATCH/said" || fail "it holds, and does not: $(cat "$SCRATCH/said")"
}
wrong() { # TEXT FOLDER
    local status=0
    mapshare verify "$2" >"$SCRATCH/said" 2>&1 || status=$?
    [ "$status" = 1 ] && grep -q "^wrong: .*$1" "$SCRATCH/said" || fail "status $status instead of '$1': $(cat "$SCRATCH/said")"
    mapshare verify --json "$2" >"$SCRATCH/json" 2>/dev/null && fail "as JSON, it holds"
    json_value "[f['text'] for f in o['findings'] if f['wrong']]" <"$SCRATCH/json" | grep -q "$1" || fail "as JSON: $(cat "$SCRATCH/json")"
}
note() { # TEXT: of what holds
    grep -q "^note: .*$1" "$SCRATCH/said" || fail "'$1' is not told: $(cat "$SCRATCH/said")"
}
said() {
    grep -q "$1" "$SCRATCH/said" || fail "'$1' is not told: $(cat "$SCRATCH/said")"
}
aside() { # a copy to damage, which counts as the store itself
    rm -rf "$SCRATCH/saved"
    cp -a "$STORE/.mapshare" "$SCRATCH/saved"
}
back() { # the bytes, into the files that were there
    local name
    for name in journal lock; do dd if="$SCRATCH/saved/$name" of="$STORE/.mapshare/$name" conv=notrunc status=none; done
}

# In use: the journal is read while it is written to.
i=0
mkdir "$MOUNT/d"
while [ ! -e "$SCRATCH/stop" ]; do
    echo "$((++i))" >"$MOUNT/d/$((i % 7))"
    sync "$MOUNT/d/$((i % 7))"
done &
writer=$!
kill_later "$writer"
wait_until 30 test -e "$MOUNT/d/6"
for _ in $(seq 8); do holds "$STORE"; done
said '^frames .* 0 damaged$'
said '^superblocks whole, whole$'
said ' [1-9][0-9]* commits, the last one [1-9]'
touch "$SCRATCH/stop"
wait "$writer"
stop_mount
start_mount commit_interval=1000,fault=sync/files/EIO/1/1000000 # what is committed stays in the journal
for name in d/0 d/1 d/2 d/5 d/6 lost; do
    echo "more than there was" >>"$MOUNT/$name"
    sync "$MOUNT/$name"
done
mv "$MOUNT/d/6" "$MOUNT/d/moved"
rm "$MOUNT/d/5"
kill_daemon

# As a dead daemon left it.
read_at() { # times that reading would mark
    stat -c '%n %x' "$STORE" "$STORE/d" "$STORE/.mapshare" "$STORE/.mapshare/removed" "$journal"
}
read_at >"$SCRATCH/read"
holds "$STORE"
read_at | diff "$SCRATCH/read" - >&2 || fail "looking marks times"
all "$STORE" >"$SCRATCH/before"
all "$STORE" >"$SCRATCH/before" # what this itself marked, it does not mark again
holds "$STORE"
note 'its daemon ended without unmounting'
note '1 files of the journal were removed'
mapshare verify --json "$STORE" >"$SCRATCH/told"
[ "$(json_value "o['findings'][0]['wrong']" <"$SCRATCH/told")" = False ] || fail "$(cat "$SCRATCH/told")"
all "$STORE" | diff "$SCRATCH/before" - >&2 || fail "looking changed something"
cp -a "$STORE" "$SCRATCH/copy"
holds "$SCRATCH/copy"
note 'the store is a copy'

aside
mv "$STORE/lost" "$SCRATCH/lost"
wrong 'lost: inode .* cannot be found: 1 pages' "$STORE"
said '^recovery .*would refuse'
mv "$SCRATCH/lost" "$STORE/lost"
dd if=/dev/zero of="$journal" bs=8 count=2 conv=notrunc status=none
holds "$STORE"
note 'superblock 0 is not whole'
back
place=$(mapshare journal --json "$STORE" | json_value "8192 + [c['position'] for c in o['chunks'] if c['type'] == 'commit'][2] % ($(stat -c %s "$journal") - 8192)")
printf x | dd of="$journal" bs=1 seek=$((place + 100)) conv=notrunc status=none
wrong 'the journal is damaged: at least [1-9][0-9]* commits behind' "$STORE"
back
dd if=/dev/zero of="$journal" bs=8192 count=1 conv=notrunc status=none
wrong 'the journal is damaged' "$STORE"
back
chmod 666 "$journal"
wrong 'may be written by others' "$STORE"
chmod 600 "$journal"
mkdir "$STORE/.mapshare/saved-7"
touch "$STORE"/.mapshare/{journal.new,strange,spill} # the last as arena= leaves it: known
holds "$STORE"
for text in '1 folders of pages that were saved' 'a journal was not made to its end' '1 names in .mapshare that'; do note "$text"; done
rm -r "$STORE"/.mapshare/{saved-7,journal.new,strange,spill}

# A recovery does what was told.
wanted="o['commits'], o['sequence'], o['files'], o['pages'], o['files_missing'], o['torn_bytes']"
[ "$(json_value "$wanted" <"$SCRATCH/told")" = "$(mapshare recover --json "$STORE" | json_value "$wanted")" ] || fail "recovery does something else"
holds "$STORE"
said '^recovery .*would have nothing to do$'

# As a clean end left it.
start_mount
stop_mount
holds "$STORE"
said '^left  *complete$'
aside
sed -i '2s/complete/lost: 3 pages/' "$STORE/.mapshare/lock"
wrong 'changes were lost when it was unmounted: 3 pages' "$STORE"
back
older=$(python3 -c 'import struct, sys; f = open(sys.argv[1], "rb").read(8192); print(min((0, 1), key=lambda i: struct.unpack_from("<Q", f, i * 4096 + 16)))' "$journal")
dd if=/dev/zero of="$journal" bs=4096 seek="$older" count=1 conv=notrunc status=none
wrong "superblock $older is not whole" "$STORE"
back
start_mount ro
holds "$STORE"
stop_mount

chown -R 65534:65534 "$STORE"
chmod 777 "$SCRATCH"
wrong 'belongs to another user' "$STORE"
as_user "$MAPSHARE" verify "$STORE" >"$SCRATCH/said" || fail "its owner: $(cat "$SCRATCH/said")"
refused 1 'No such file' mapshare verify "$SCRATCH/nowhere"
