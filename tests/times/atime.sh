#!/usr/bin/env bash
# T4: when atime is marked: under strictatime, relatime (the default) and noatime, by a load of a page not yet brought in; and never
# by what is not an access.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
stamp=$(helper times/stamp)
old=1000000000
prepare() { # the file with an old atime and an older or newer mtime
    truncate -s 40960 "$STORE/file"
    touch -a -d "@$old" "$STORE/file"
    touch -m -d "@$1" "$STORE/file"
}
atime() {
    stat -c %X "$MOUNT/file"
}
expect() { # marked|unmarked WHAT
    local now seen
    now=$(date +%s)
    seen=$(atime)
    case $1 in
    marked) [ "$seen" -ge $((now - 30)) ] && [ "$seen" -le "$now" ] || fail "$2: atime is $seen, expected about $now" ;;
    unmarked) [ "$seen" = "$old" ] || fail "$2: atime is $seen, expected $old" ;;
    esac
}
try() { # OPTIONS MTIME STEPS... -- the first word after them tells what is expected
    local options=$1 mtime=$2 expected=$3
    shift 3
    prepare "$mtime"
    start_mount "$options"
    "$stamp" "$MOUNT/file" "$@" >/dev/null
    expect "$expected" "$options, mtime $mtime, $*"
    stop_mount
    seen=$(stat -c %X "$STORE/file")
    case $expected in
    marked) [ "$seen" -ge $(($(date +%s) - 30)) ] || fail "$options, $*: the store's atime is $seen" ;;
    unmarked) [ "$seen" = "$old" ] || fail "$options, $*: the store's atime is $seen" ;;
    esac
}
recent=$(($(date +%s) - 100))
try "" 1500000000 marked load 0
try relatime 1500000000 marked read
try relatime "$recent" marked load 3
try strictatime 1500000000 marked load 0
try strictatime 900000000 marked load 0
try noatime 1500000000 unmarked load 0
try noatime 900000000 unmarked read
try strictatime 1500000000 unmarked print

# relatime: marked once; not again while it is younger than a day and newer than mtime.
prepare 1500000000
start_mount relatime
"$stamp" "$MOUNT/file" load 0
first=$(stat -c %.9X "$MOUNT/file")
"$stamp" "$MOUNT/file" wait fadvise load 0 load 5
[ "$(stat -c %.9X "$MOUNT/file")" = "$first" ] || fail "relatime marked a second time"
stop_mount
# strictatime: each bringing in marks.
prepare 1500000000
start_mount strictatime
"$stamp" "$MOUNT/file" load 0
first=$(stat -c %.9X "$MOUNT/file")
"$stamp" "$MOUNT/file" wait fadvise
"$stamp" "$MOUNT/file" wait load 0
second=$(stat -c %.9X "$MOUNT/file")
[ "$second" != "$first" ] || fail "strictatime did not mark again"
# An atime that was set stays.
"$stamp" "$MOUNT/file" set 1111111111
[ "$(atime)" = 1111111111 ] || fail "the atime set is $(atime)"
stop_mount

# What is only read: files that nobody opens for writing, folders, symbolic links, here and in the store alone, and ctime stays.
older=900000000
names=(read quiet folder link)
mkdir "$STORE/folder"
touch "$STORE/folder/x"
ln -s x "$STORE/link"
times() { # FORMAT FOLDER
    (cd "$2" && stat -c "%n $1" "${names[@]}")
}
reading() { # OPTIONS
    echo data >"$STORE/read"
    echo data >"$STORE/quiet"
    for name in "${names[@]}"; do
        touch -h -m -d "@$older" "$STORE/$name"
        touch -h -a -d "@$old" "$STORE/$name"
    done
    start_mount "$1"
    changed=$(times %z "$MOUNT")
    cat "$MOUNT/read" >/dev/null
    dd if="$MOUNT/quiet" of=/dev/null iflag=noatime status=none
    ls "$MOUNT/folder" >/dev/null
    readlink "$MOUNT/link" >/dev/null
    seen=$(times %X "$MOUNT")
    [ "$(times %z "$MOUNT")" = "$changed" ] || fail "$1: reading marked ctime"
    stop_mount
    [ "$(times %z "$STORE")" = "$changed" ] || fail "$1: reading marked ctime in the store"
    [ "$(times %X "$STORE")" = "$seen" ] || fail "$1: atime in the store is $(times %X "$STORE"), on the mount it was $seen"
    marked=$(awk -v old="$old" '$2 > old { print $1 }' <<<"$seen" | tr '\n' ' ')
}
expect_marked() {
    [ "$marked" = "$2" ] || fail "$1: marked were \"$marked\", expected \"$2\""
}
if [ "$(id -u)" = 0 ]; then # others have the store's own mount decide
    reading strictatime
    expect_marked strictatime "read folder link "
    reading relatime # ctime is newer than atime
    expect_marked relatime "read folder link "
    reading noatime
    expect_marked noatime ""
fi
