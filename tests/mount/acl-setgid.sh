#!/usr/bin/env bash
# Setting an access control list clears setgid where the owner is not in the file's group, and nowhere else: as on the plain file system.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program getfattr setfacl setpriv
scratch
start_mount
touch "$PLAIN/probe"
setfacl -m u:4001:r "$PLAIN/probe" 2>/dev/null || skip "the store's file system has no access control lists"

acts() { # FOLDER
    local list
    mkdir "$1/open"
    chmod 777 "$1/open"
    cd "$1/open"
    for list in u::rwx,g::rwx,o::rwx u:4003:r,m::rx; do
        : >file
        for owner in "--regid 4102 --clear-groups" "--regid 4100 --clear-groups" "--regid 4102 --groups 4100,4101" root; do
            chown 4100:4100 file
            chmod 2755 file
            if [ "$owner" = root ]; then
                setfacl -m "$list" file
            else
                # shellcheck disable=SC2086
                setpriv --reuid 4100 $owner setfacl -m "$list" file
            fi
            stat -c "$list by owner $owner: %A" file
        done
        mkdir "folder$list"
        chown 4100:4100 "folder$list"
        chmod 2755 "folder$list"
        setpriv --reuid 4100 --regid 4102 --clear-groups setfacl -d -m "$list" "folder$list" # a default list does not count
        stat -c "default $list: %A" "folder$list"
    done
}
(acts "$PLAIN") >"$SCRATCH/expected" 2>&1
(acts "$MOUNT") >"$SCRATCH/seen" 2>&1
grep -q 'rwxrwxrwx$' "$SCRATCH/expected" || fail "the plain file system clears nothing: $(cat "$SCRATCH/expected")"
diff -u "$SCRATCH/expected" "$SCRATCH/seen" >&2 || fail "the mount differs"
stop_mount
