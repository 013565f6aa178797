#!/usr/bin/env bash
# Access control lists, default ones together with the umask: the same script on the plain file system and on the mount.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr setfacl getfacl
scratch
start_mount
touch "$PLAIN/probe"
setfacl -m u:4001:r "$PLAIN/probe" 2>/dev/null || skip "the store's file system has no access control lists"

acts() { # FOLDER
    cd "$1"
    local mask
    setfacl -m u:4001:rw,g:4002:r . && getfacl -np .
    mkdir inherit
    setfacl -d -m u::rwx,u:4001:rwx,g::r-x,g:4002:rw,o::- inherit
    getfacl -np inherit
    for mask in 000 022 027 077 777; do
        (
            umask $mask
            mkdir "inherit/folder-$mask"
            : >"inherit/file-$mask"
            mkfifo "inherit/fifo-$mask"
            ln -s x "inherit/link-$mask"
            mkdir "plain-$mask"
            : >"plain-file-$mask"
        )
        getfacl -np "inherit/folder-$mask" "inherit/file-$mask" "inherit/fifo-$mask" "plain-$mask" "plain-file-$mask"
        stat -c '%n %a' inherit/*-$mask ./plain*-$mask
    done
    : >file
    setfacl -m u:4001:rwx,m::r file && getfacl -np file && stat -c %a file
    chmod 750 file && getfacl -np file
    chmod 704 file && getfacl -np file
    setfacl -x u:4001 file && getfacl -np file
    setfacl -b file && getfacl -np file && stat -c %a file
    setfacl -m u:4001:r file && cp -p file copy && getfacl -np copy
    setfacl -k inherit && getfacl -np inherit
    setfacl -d -m u:4001:r file && echo "a default list on a file"
    setfacl --restore=- <<<$'# file: file\nuser::rw-\nuser:4003:rwx\ngroup::---\nmask::rwx\nother::---' && getfacl -np file
    if [ "$(id -u)" = 0 ]; then
        echo secret >file
        chown 4100:4100 file
        chmod 755 .
        setfacl -b file
        setfacl -m u:4003:r file
        chmod o= file
        setpriv --reuid=4003 --regid=4003 --clear-groups cat file
        setpriv --reuid=4004 --regid=4004 --clear-groups cat file
        setpriv --reuid=4003 --regid=4003 --clear-groups sh -c 'echo x >file'
        setpriv --reuid=4003 --regid=4003 --clear-groups setfacl -m u:4004:r file
        setfacl -m m::- file
        setpriv --reuid=4003 --regid=4003 --clear-groups cat file
    fi
    return 0
}
mkdir "$PLAIN/work" "$MOUNT/work"
(set +e; acts "$PLAIN/work") >"$SCRATCH/expected" 2>&1
(set +e; acts "$MOUNT/work") >"$SCRATCH/seen" 2>&1
grep -q 'user:4001:rwx' "$SCRATCH/expected" || fail "the script shows no lists"
diff -u "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "access control lists differ from the plain file system"
stop_mount
