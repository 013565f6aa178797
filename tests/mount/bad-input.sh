#!/usr/bin/env bash
# Whatever is wrong with a call of mapsharefs gives a message that names it, a status that is not 0, and leaves nothing mounted and
# nothing half made.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
failures=0

problem() {
    echo "FAIL: $ME: $*" >&2
    failures=$((failures + 1))
}

# refuses WHAT PATTERN COMMAND...: the message must match the pattern, case ignored.
refuses() {
    local what=$1 pattern=$2 message status=0
    shift 2
    message=$(timeout 30 "$@" 2>&1 </dev/null) || status=$?
    [ "$status" != 0 ] || problem "$what: status 0"
    [ "$status" != 124 ] || problem "$what: no answer within 30 s"
    [ "$status" -lt 126 ] || problem "$what: status $status"
    grep -qiE "$pattern" <<<"$message" || problem "$what: the message is '$message', expected something like '$pattern'"
    if is_mounted "$MOUNT"; then
        problem "$what: left mounted"
        umount "$MOUNT" 2>/dev/null || fusermount3 -u "$MOUNT"
    fi
    [ -z "$(ls -A "$STORE" 2>/dev/null)" ] || problem "$what: left in the store: $(ls -A "$STORE")"
}
fs() {
    refuses "$1" "$2" "$MAPSHAREFS" "${@:3}"
}

fs "no arguments" "usage|store"
fs "no mount point" "usage|mount" "$STORE"
fs "three folders" "usage|argument|unexpected" "$STORE" "$MOUNT" "$PLAIN"
fs "unknown letter" "usage|option|-z" -z "$STORE" "$MOUNT"
fs "missing store" "$STORE/none.*no such" "$STORE/none" "$MOUNT"
touch "$PLAIN/file"
fs "store is a file" "not a directory|not a folder" "$PLAIN/file" "$MOUNT"
fs "missing mount point" "none.*no such" "$STORE" "$MOUNT/none"
fs "mount point is a file" "not a directory|not a folder" "$STORE" "$PLAIN/file"
touch "$MOUNT/something"
fs "mount point not empty" "empty" "$STORE" "$MOUNT"
rm "$MOUNT/something"
mkdir "$PLAIN/outer" "$PLAIN/outer/inner"
refuses "mount point inside the store" "inside|in each other" "$MAPSHAREFS" "$PLAIN/outer" "$PLAIN/outer/inner"
[ "$(ls -A "$PLAIN/outer")" = inner ] || problem "mount point inside the store: left $(ls -A "$PLAIN/outer")"
refuses "store inside the mount point" "inside|in each other" "$MAPSHAREFS" "$PLAIN/outer/inner" "$PLAIN/outer"
refuses "store is the mount point" "inside|in each other" "$MAPSHAREFS" "$STORE" "$STORE"

for option in nonsense cache_sise=64M cache_size cache_size= cache_size=abc cache_size=0 cache_size=1 cache_size=-1 cache_size=64X \
    cache_size=64MM cache_size=99999999999999999999 cache_size=16777216T journal_size=0 journal_size=1K journal_size=-5M \
    journal_size=abc threads=0 threads=-1 threads=1000000 threads=two commit_interval=-1 commit_interval=abc \
    commit_interval=99999999999999999999 max_restarts=-1 max_restarts=x atomic=2 relatime=1 fault=nonsense; do
    fs "option $option" "${option%%=*}" -o "$option" "$STORE" "$MOUNT"
done
fs "memory that no machine has" "memory|cache_size" -o cache_size=4096T "$STORE" "$MOUNT"

"$MAPSHAREFS" --help >"$SCRATCH/help" || problem "--help fails"
grep -q cache_size "$SCRATCH/help" || problem "--help does not tell cache_size"
"$MAPSHAREFS" --version | grep -q '[0-9]\.[0-9]' || problem "--version tells no version"

if is_root; then
    if unshare -m true 2>/dev/null; then
        # shellcheck disable=SC2016
        refuses "no /dev/fuse" "/dev/fuse" unshare -m --propagation private sh -c 'mount -t tmpfs none /dev && exec "$@"' sh \
            "$MAPSHAREFS" "$STORE" "$MOUNT"
        # shellcheck disable=SC2016
        refuses "read-only store" "read-only" unshare -m --propagation private sh -c \
            'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' sh "$STORE" "$MAPSHAREFS" "$STORE" "$MOUNT"
    else
        skip_part "cannot make a mount namespace"
    fi
    chmod 711 "$STORE"
    refuses "unwritable store" "permission|denied|access" setpriv --reuid=4001 --regid=4001 --clear-groups "$MAPSHAREFS" "$STORE" "$MOUNT"
    chmod 755 "$STORE"
else
    chmod 555 "$STORE"
    fs "unwritable store" "permission|denied" "$STORE" "$MOUNT"
    chmod 755 "$STORE"
fi
[ "$failures" = 0 ] || fail "$failures cases"
