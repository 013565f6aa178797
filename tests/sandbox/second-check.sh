#!/usr/bin/env bash
# What a client makes is made with the client's own rights: user, group, supplementary groups, capabilities, and no others. Where our mount's
# check knows less than the store (here: a mode that was changed behind its back), the store's file system refuses.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program setpriv setfattr
scratch
start_mount
chmod 755 "$MOUNT"
many=$(seq -s, 5000 5150)
as() { # NAME COMMAND...: as one of several users
    local options
    case $1 in
    plain) options=(--clear-groups) ;;
    member) options=(--groups 4000) ;;
    many) options=(--groups "$many,4000") ;;
    able) options=(--clear-groups --inh-caps +dac_override --ambient-caps +dac_override) ;;
    esac
    setpriv --reuid 4001 --regid 4001 "${options[@]}" "${@:2}"
}
change_all() { # USER FOLDER: what is in it and is another's
    local changed=0
    as "$1" mv "$2/moved" "$2/moved-by-$1" 2>/dev/null && changed=$((changed + 1))
    as "$1" rm -f "$2/removed" 2>/dev/null && changed=$((changed + 1))
    as "$1" rmdir "$2/removed-folder" 2>/dev/null && changed=$((changed + 1))
    as "$1" ln "$2/linked" "$2/linked-by-$1" 2>/dev/null && changed=$((changed + 1))
    echo $changed
}
fill() { # FOLDER
    mkdir -p "$1/removed-folder"
    touch "$1/moved" "$1/removed" "$1/linked"
    chmod 666 "$1/linked" # a protected link asks for it
}
make_all() { # USER FOLDER NAME: all of these or none
    local made=0
    as "$1" touch "$2/$3-file" 2>/dev/null && made=$((made + 1))
    as "$1" mkdir "$2/$3-folder" 2>/dev/null && made=$((made + 1))
    as "$1" ln -s x "$2/$3-link" 2>/dev/null && made=$((made + 1))
    as "$1" mkfifo "$2/$3-pipe" 2>/dev/null && made=$((made + 1))
    echo $made
}
use_all() { # USER FILE: what the user can do with it
    local used=""
    as "$1" cat "$2" >/dev/null 2>&1 && used+=" read"
    as "$1" sh -c 'echo >>"$1"' - "$2" 2>/dev/null && used+=" append"
    as "$1" sh -c ': <>"$1"' - "$2" 2>/dev/null && used+=" both"
    as "$1" sh -c ': >"$1"' - "$2" 2>/dev/null && used+=" empty"
    as "$1" truncate -s 10 "$2" 2>/dev/null && used+=" cut"
    as "$1" touch "$2" 2>/dev/null && used+=" touch"
    as "$1" touch -d @1 "$2" 2>/dev/null && used+=" date"
    as "$1" "$2.program" 2>/dev/null && used+=" run"
    echo "$used"
}

for where in "$PLAIN" "$MOUNT"; do
    mkdir "$where/all" "$where/group" "$where/none" "$where/setgid"
    chmod 777 "$where/all"
    chgrp 4000 "$where/group" "$where/setgid"
    chmod 770 "$where/group"
    chmod 2777 "$where/setgid"
    chmod 700 "$where/none"
    {
        for user in plain member many able; do
            for folder in all group none setgid; do
                echo "$user $folder $(make_all $user "$where/$folder" $user)"
            done
        done
        for user in plain member able; do
            for folder in all group none; do
                fill "$where/$folder"
                echo "$user $folder $(change_all $user "$where/$folder")"
            done
        done
        for mode in 777 700 770 711 604 640 622; do
            touch "$where/all/used$mode"
            cp /bin/true "$where/all/used$mode.program"
            chgrp 4000 "$where/all/used$mode" "$where/all/used$mode.program"
            chmod $mode "$where/all/used$mode" "$where/all/used$mode.program"
            for user in plain member many able; do
                echo "$user $mode$(use_all $user "$where/all/used$mode")"
            done
        done
        for mask in 777 377 577; do # dd sets the size of what it has just made, whatever its mode
            as plain sh -c 'umask $2; dd if=/dev/null of="$1" bs=5 seek=1 status=none 2>/dev/null; echo "$2: $?"' - "$where/all/open$mask" $mask
        done
        (cd "$where/all" && stat -c '%n %a %s' open???)
        as plain sh -c 'umask 027; touch "$1/all/mode-file"; mkdir "$1/all/mode-folder"' - "$where"
        (cd "$where" && find . -mindepth 2 -printf '%p %M %U %G\n' | sort)
    } >"$SCRATCH/$(basename "$where").seen"
done
diff -u "$SCRATCH/plain.seen" "$SCRATCH/mount.seen" >&2 || fail "the mount differs from the plain file system"
grep -q '^many group 4' "$SCRATCH/mount.seen" || fail "nobody used a group: $(cat "$SCRATCH/mount.seen")"
grep -q '^able none 4' "$SCRATCH/mount.seen" || fail "nobody used a capability: $(cat "$SCRATCH/mount.seen")"

as plain ls "$MOUNT/all" >/dev/null
chmod 755 "$STORE/all" # the mount does not know
[ "$(stat -c %a "$MOUNT/all")" = 777 ] || skip "the mount knows at once what is changed in the store"
made=$(make_all plain "$MOUNT/all" later)
[ "$made" = 0 ] || fail "$made of 4 were made where the store forbids it"
chmod 777 "$MOUNT/all"
fill "$MOUNT/all"
as plain ls -l "$MOUNT/all" >/dev/null
for change in mv rm ln; do
    chmod 777 "$MOUNT/all" # each change has the mount look again
    as plain ls "$MOUNT/all" >/dev/null
    chmod 755 "$STORE/all"
    case $change in
    mv) as plain mv "$MOUNT/all/moved" "$MOUNT/all/moved-later" ;;
    rm) as plain rm -f "$MOUNT/all/removed" ;;
    ln) as plain ln "$MOUNT/all/linked" "$MOUNT/all/linked-later" ;;
    esac 2>/dev/null && fail "$change where the store forbids it"
done
chmod 777 "$MOUNT/all"
touch "$MOUNT/all/opened" "$MOUNT/all/opened.program"
mount_is_behind() { # of a file that changed a moment ago the kernel asks each time
    chmod 666 "$STORE/all/opened"
    ls -l "$MOUNT/all" >/dev/null
    chmod 600 "$STORE/all/opened"
    [ "$(stat -c %a "$MOUNT/all/opened")" = 666 ]
}
for who in plain member; do
    chmod 666 "$MOUNT/all/opened"
    exec {kept}<>"$MOUNT/all/opened"
    wait_until 20 mount_is_behind || fail "the mount knows at once what is changed in the store"
    used=$(use_all $who "$MOUNT/all/opened")
    [ "$used" = "" ] || fail "$who could$used what the store forbids"
    as $who echo kept >&"$kept" || fail "who has it open cannot write"
    exec {kept}<&-
done
[ "$(use_all able "$MOUNT/all/opened")" = " read append both empty cut touch" ] || fail "who has the capability cannot use a file"
for change in 'chmod 600' 'chgrp 4000' 'setfattr -n user.x -v 1' 'touch -d @1'; do
    as member mkdir "$MOUNT/all/mine"
    as member ls -ld "$MOUNT/all/mine" >/dev/null
    chown 4002 "$STORE/all/mine"
    chmod 755 "$STORE/all/mine"
    # shellcheck disable=SC2086
    as member $change "$MOUNT/all/mine" 2>/dev/null && fail "$change of what is another's in the store"
    rmdir "$MOUNT/all/mine"
done
chmod 777 "$MOUNT/all"
as plain ls "$MOUNT/all" >/dev/null
chmod 755 "$STORE/all"
made=$(make_all able "$MOUNT/all" able-later)
[ "$made" = 4 ] || fail "$made of 4 were made by who has the capability"
touch "$MOUNT/all/by-root" || fail "root cannot make a file"
[ "$(stat -c %u:%g "$STORE/all/by-root")" = 0:0 ] || fail "root's file is $(stat -c %u:%g "$STORE/all/by-root")'s"
stop_mount
