#!/usr/bin/env bash
# What a store may lie on (the table in mapshare-limits(7)): each file system, for root and for an ordinary user. Files are made, changed, renamed, linked,
# removed while open, found again after the worker's death and by a recovery, and complete after unmounting.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr losetup
need_fuse_for_all "$0"
need_tool
scratch
expect_deaths
expect_recovery
expect_log "cannot be written to the store: Input/output error" "the store could not be completed: Input/output error" "Killed  *setpriv" "limits for this mount stay low"
BASE=$SCRATCH/base
mkdir "$BASE"
chmod 777 "$SCRATCH"

mount_as() { # root|user [OPTIONS]
    if [ "$1" = root ]; then start_mount "${2:-}"; else start_user_mount "${2:-}"; fi
}
as() { # root|user COMMAND...
    if [ "$1" = root ]; then "${@:2}"; else as_user "${@:2}"; fi
}
worker() {
    as "$1" getfattr --only-values --absolute-names -n user.mapshare.stats "$MOUNT" | sed -n 's/^worker_pid=//p'
}
check() { # ROW FOLDER root|user
    as "$3" bash -c 'cd "$1" && shift
        for pair in "d/moved:first" "linked:second" "old:old more" "twice:twice more"; do
            found=$(tr "\n" " " <"${pair%%:*}")
            [ "$found" = "${pair#*:} " ] || { echo "${pair%%:*} has $found"; exit 1; }
        done
        [ ! -e gone ] || { echo "a removed file is there"; exit 1; }' - "$2" || fail "$1"
}
may_go_on() {
    [ -e "$SCRATCH/ready" ]
}

row() { # NAME root|user: STORE is ready, with files `old` and `twice` in it
    local name="$1 ($2)" pids client
    mount_as "$2" commit_interval=600,fault=sync/files/EIO/1/1000000 # no checkpoint ends, so that a recovery has something to do
    rm -f "$SCRATCH"/{ready,go}
    as "$2" bash -ec 'cd "$1"; echo more >>old; echo more >>twice; mkdir d; echo first >first; echo second >second; echo gone >gone
        sync -d old twice first second gone
        mv first d/moved; ln second linked; rm second
        exec 3<>gone; rm gone
        kill -9 "$2"
        touch "$3/ready"; until [ -e "$3/go" ]; do sleep 0.05; done
        [ "$(cat <&3)" = gone ]' - "$MOUNT" "$(worker "$2")" "$SCRATCH" &
    client=$!
    kill_later "$client"
    wait_until 30 may_go_on || fail "$name: changing files"
    echo 2 >/proc/sys/vm/drop_caches
    touch "$SCRATCH/go"
    wait "$client" || fail "$name: a removed file that is open cannot be read after the worker's death"
    check "$name, after the worker's death" "$MOUNT" "$2"
    # shellcheck disable=SC2046
    kill_all "$KEEPER" $(children_of "$KEEPER")
    umount -l "$MOUNT"
    mount_as "$2"
    check "$name, after a recovery" "$MOUNT" "$2"
    as "$2" bash -ec 'cd "$1"; echo third >third; mv -T d e; mv -T e d' - "$MOUNT" || fail "$name: changing files after a recovery"
    as "$2" "$MAPSHARE" unmount "$MOUNT" || fail "$name: unmount"
    wait_gone 30 "$KEEPER" || fail "$name: the daemon stays"
    check "$name, in the store" "$STORE" root
    [ "$(cat "$STORE/third")" = third ] || fail "$name: third"
    ! grep -E 'cannot be (found|committed|opened)|are lost|damaged' "$SCRATCH/daemon.log" || fail "$name: the daemon complains"
    echo "ok $name"
}

fresh() { # FOLDER: the store, with what every row has in it; others link to one of them
    rm -rf "$1"
    mkdir -p "$1"
    echo old >"$1/old"
    echo twice >"$1/twice"
    ln "$1/twice" "$1/other-name"
}
in_both() { # NAME FOLDER
    for who in root user; do
        fresh "$2"
        STORE=$2
        row "$1" "$who"
    done
}
on_disk() { # TYPE MKFS-ARGUMENTS...
    local type=$1
    command -v "mkfs.$type" >/dev/null || { skip_part "no mkfs.$type"; return; }
    rm -f "$SCRATCH/image"
    truncate -s 400M "$SCRATCH/image"
    "mkfs.$type" "${@:2}" "$SCRATCH/image" >/dev/null
    mount -o loop "$SCRATCH/image" "$BASE" 2>/dev/null || { skip_part "$type cannot be mounted here"; return; }
    USED_LOOPS+=("$BASE")
    in_both "$type" "$BASE/store"
    umount "$BASE"
}

on_disk ext4 -q
on_disk xfs -q
on_disk btrfs -q
mount -t tmpfs none "$BASE"
USED_LOOPS+=("$BASE")
in_both tmpfs "$BASE/store"

# Layers on one file system, and on several; what is changed lies in the lower one, a file of it has two names.
mkdir "$SCRATCH/merged"
overlay() { # NAME LOWER OPTIONS
    local who
    for who in root user; do
        rm -rf "$BASE/upper" "$BASE/work"
        mkdir -p "$BASE/upper" "$BASE/work"
        fresh "$2"
        chown -R 65534:65534 "$BASE/upper" "$2"
        mount -t overlay -o "lowerdir=$2,upperdir=$BASE/upper,workdir=$BASE/work$3" none "$SCRATCH/merged" 2>/dev/null ||
            { skip_part "no $1"; return; }
        STORE=$SCRATCH/merged
        row "$1" "$who"
        umount "$SCRATCH/merged"
    done
}
USED_LOOPS+=("$SCRATCH/merged")
overlay "overlayfs, one file system" "$BASE/lower" ""
overlay "overlayfs, with an index" "$BASE/lower" ",index=on"
overlay "overlayfs, several file systems" "$SCRATCH/lower" ",xino=on"
rm -rf "$BASE/upper/.mapshare"
if mount -t overlay -o "lowerdir=$SCRATCH/lower,upperdir=$BASE/upper,workdir=$BASE/work,xino=off" none "$SCRATCH/merged" 2>/dev/null; then
    message=$("$MAPSHAREFS" -f "$SCRATCH/merged" "$MOUNT" 2>&1) && fail "a store whose inode numbers may be others'"
    grep -q 'xino=on' <<<"$message" || fail "a store whose inode numbers may be others': $message"
    umount "$SCRATCH/merged"
fi
umount "$BASE"

if command -v bindfs >/dev/null; then
    mkdir "$SCRATCH/below"
    bindfs --no-allow-other "$SCRATCH/below" "$BASE" 2>/dev/null || bindfs "$SCRATCH/below" "$BASE"
    USED_LOOPS+=("$BASE")
    fresh "$BASE/store"
    STORE=$BASE/store
    row "FUSE" root
    umount "$BASE"
else
    skip_part "no bindfs for a FUSE store"
fi

# What lies on another file system inside is refused, and the rest is served.
STORE=$SCRATCH/store
mkdir -p "$STORE/inside"
mount -t tmpfs none "$STORE/inside"
USED_LOOPS+=("$STORE/inside")
touch "$STORE/inside/file" "$STORE/beside"
start_mount
message=$(stat "$MOUNT/inside" 2>&1) && fail "a mount inside the store is served"
grep -qi 'cross-device' <<<"$message" || fail "a mount inside the store: $message"
[ -e "$MOUNT/beside" ] || fail "what lies beside a mount is not served"
stop_mount
umount "$STORE/inside"

message=$("$MAPSHAREFS" -f /proc/self "$MOUNT" 2>&1) && fail "a store in /proc"
grep -q 'cannot be a store' <<<"$message" || fail "a store in /proc: $message"
if command -v mkfs.vfat >/dev/null; then
    truncate -s 40M "$SCRATCH/image"
    mkfs.vfat "$SCRATCH/image" >/dev/null
    if mount -o loop "$SCRATCH/image" "$BASE" 2>/dev/null; then
        USED_LOOPS+=("$BASE")
        message=$("$MAPSHAREFS" -f "$BASE" "$MOUNT" 2>&1) && fail "a store on FAT"
        grep -q 'inode numbers change' <<<"$message" || fail "a store on FAT: $message"
        umount "$BASE"
    else
        skip_part "FAT cannot be mounted here"
    fi
else
    skip_part "no mkfs.vfat"
fi
