#!/usr/bin/env bash
# A name that the kernel remembers as absent, or as another file's, is there after all: whoever owns the store's folder moved a file to it. It is
# neither opened, nor replaced, nor removed before the kernel has looked and checked: to clients it is as if they had known.
. "$(dirname "$0")/../lib.sh"
need_mount
need_root
need_program setpriv python3
scratch
chmod 755 "$SCRATCH"
as_owner() {
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
}
start_mount
mkdir "$MOUNT/open" "$MOUNT/sticky"
chmod 777 "$MOUNT/open"
chmod 1777 "$MOUNT/sticky"
as_owner env PATH=/usr/bin:/bin python3 - "$MOUNT" "$STORE" <<'END' || fail "as an ordinary user"
import errno, os, subprocess, sys
mount, store = sys.argv[1:]
wrong = []

def fails(what, expected, call, *arguments):
    try:
        call(*arguments)
        wrong.append(f"{what}: done")
    except OSError as error:
        if error.errno != expected:
            wrong.append(f"{what}: {error}")

def turned_up(name): # absent to the kernel, a file of nobody else's in the store
    assert not os.path.exists(f"{mount}/{name}")
    with open(f"{store}/{name}", "w") as file:
        file.write("secret")
    os.chmod(f"{store}/{name}", 0)

turned_up("open/create")
fails("create", errno.EACCES, os.open, f"{mount}/open/create", os.O_RDWR | os.O_CREAT, 0o600)
turned_up("open/exclusive")
fails("create exclusively", errno.EEXIST, os.open, f"{mount}/open/exclusive", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
turned_up("open/mkdir")
fails("mkdir", errno.EEXIST, os.mkdir, f"{mount}/open/mkdir")
assert os.path.exists(f"{mount}/open/mkdir")
turned_up("open/symlink")
fails("symlink", errno.EEXIST, os.symlink, "x", f"{mount}/open/symlink")
turned_up("open/mknod")
fails("mknod", errno.EEXIST, os.mknod, f"{mount}/open/mknod", 0o600)
open(f"{mount}/open/mine", "w").close()
turned_up("open/link")
fails("link", errno.EEXIST, os.link, f"{mount}/open/mine", f"{mount}/open/link")
with open(f"{mount}/open/created", "w") as file: # what was absent is made as ever
    file.write("x")
for line in wrong:
    print(line)
sys.exit(bool(wrong))
END
# Root's file in a sticky folder, under a name that is absent to the kernel, or another's file.
echo root >"$STORE/sticky/hidden"
as_owner bash -c "echo mine >'$MOUNT/sticky/mine'; echo mine >'$MOUNT/sticky/other'; ! [ -e '$MOUNT/sticky/target' ]" || fail "cannot prepare"
mv "$STORE/sticky/hidden" "$STORE/sticky/target"
! as_owner mv -f "$MOUNT/sticky/mine" "$MOUNT/sticky/target" 2>"$SCRATCH/said" || fail "a file that turned up was replaced"
[ "$(cat "$STORE/sticky/target")" = root ] || fail "a file that turned up was replaced"
echo root >"$STORE/sticky/hidden"
mv "$STORE/sticky/hidden" "$STORE/sticky/other"
! as_owner rm -f "$MOUNT/sticky/other" 2>"$SCRATCH/said" || fail "a file that turned up was removed"
[ "$(cat "$STORE/sticky/other")" = root ] || fail "a file that turned up was removed"
stop_mount
