#!/usr/bin/env bash
# Files that may not be written by their mode, but are open for writing: created read-only (as git's objects are), or changed while open. An ordinary
# user's daemon puts their descriptors away, and its worker dies: what is written is committed, and nobody ever sees another mode.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
need_fuse_for_all "$0"
need_tool
scratch
expect_log 'which a dead process had changed for a moment'
expect_deaths
note_of() { # FILE: how a note about it is called
    echo "mode-$(stat -c %i "$1")-$(stat -c %W "$1").$(stat -c %w "$1" | sed 's/.*\.\([0-9]*\) .*/\1/')"
}

start_user_mount commit_interval=1 128
cat >"$SCRATCH/write.py" <<'END'
import os, signal, sys, threading
mount = sys.argv[1]
modes = (0o444, 0o400, 0o200, 0o000)
wrong = []

def stats():
    return dict(line.split("=") for line in os.getxattr(mount, "user.mapshare.stats").decode().splitlines())

def put_away(): # so many others are used that ours are put away
    for i in range(300):
        with open(f"{mount}/other{i}", "a") as file:
            file.write("x")

def watch():
    while not done.is_set():
        for name, mode in expected.items():
            found = os.stat(f"{mount}/{name}").st_mode & 0o7777
            if found != mode:
                wrong.append(f"{name}: mode {found:o} is seen")

files, expected = {}, {}
for mode in modes:
    files[f"made{mode:o}"] = os.open(f"{mount}/made{mode:o}", os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    files[f"changed{mode:o}"] = os.open(f"{mount}/changed{mode:o}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    os.pwrite(files[f"changed{mode:o}"], b"before", 0)
    os.chmod(f"{mount}/changed{mode:o}", mode)
    expected[f"made{mode:o}"] = expected[f"changed{mode:o}"] = mode
done = threading.Event()
watcher = threading.Thread(target=watch)
watcher.start()
for turn in range(3):
    put_away()
    for name, fd in files.items():
        os.pwrite(fd, b"%d" % turn * 5000, turn * 5000) # not whole pages
        os.fsync(fd)
        if os.pread(fd, 5000, turn * 5000) != b"%d" % turn * 5000:
            wrong.append(f"{name}: what was written is not read")
    if turn == 1:
        worker = stats()["worker_pid"]
        os.kill(int(worker), signal.SIGKILL)
        while stats()["worker_pid"] == worker:
            pass
for name, fd in files.items():
    os.ftruncate(fd, 14000)
    os.close(fd)
put_away()
done.set()
watcher.join()
if int(stats()["frames_failed"]):
    wrong.append("pages failed")
if wrong:
    sys.exit("\n".join(wrong[:9]))
END
as_user env PATH=/usr/bin:/bin python3 "$SCRATCH/write.py" "$MOUNT" || fail "on the mount"
as_user "$MAPSHARE" unmount "$MOUNT" || fail "unmount"
wait_gone 30 "$KEEPER" || fail "the daemon stays"
for mode in 444 400 200 0; do
    for name in made$mode changed$mode; do
        [ "$(stat -c '%a %s' "$STORE/$name")" = "$mode 14000" ] || fail "in the store: $name has $(stat -c '%a %s' "$STORE/$name")"
        is_root || continue
        [ "$(tr -d '\0' <"$STORE/$name" | sha256sum)" = "$(for turn in 0 1 2; do printf "%5000s" "" | tr ' ' $turn; done | head -c 14000 | sha256sum)" ] ||
            fail "in the store: $name has other bytes"
    done
done
[ -z "$(find "$STORE/.mapshare" -name 'mode-*')" ] || fail "notes stay: $(ls "$STORE/.mapshare")"

# A daemon that died in between left a note: only the file that it is about gets its mode back.
ln -s 444:made444 "$STORE/.mapshare/$(note_of "$STORE/made444")"
ln -s 444:changed444 "$STORE/.mapshare/$(note_of "$STORE/made400")"
ln -s link "$STORE/made0.link"
ln -s 600:../outside "$STORE/.mapshare/$(note_of "$STORE/made0")"
touch "$SCRATCH/outside"
chmod 640 "$SCRATCH/outside" "$STORE/made444" "$STORE/changed444"
start_user_mount "" 128
[ "$(stat -c %a "$STORE/made444")" = 444 ] || fail "the mode that a dead daemon changed stays"
[ "$(stat -c %a "$STORE/changed444")" = 640 ] || fail "another file's mode was changed"
[ "$(stat -c %a "$SCRATCH/outside")" = 640 ] || fail "a file beside the store was changed"
[ -z "$(find "$STORE/.mapshare" -name 'mode-*')" ] || fail "notes stay: $(ls "$STORE/.mapshare")"
as_user "$MAPSHARE" unmount "$MOUNT"
wait_gone 30 "$KEEPER"

# What cannot be written at all is refused at once, not when it is to be committed.
is_root && command -v chattr >/dev/null || { skip_part "immutable files need root and chattr"; exit 0; }
rm -rf "$STORE"
mkdir "$STORE"
echo kept >"$STORE/immutable"
start_mount
chattr +i "$STORE/immutable" 2>/dev/null || { skip_part "no immutable files here"; exit 0; }
! cat "$MOUNT/immutable" >/dev/null || read=1 # read only: such a descriptor is no use for writing
! bash -c "echo lost >>'$MOUNT/immutable'" 2>/dev/null || written=1
! truncate -s 0 "$MOUNT/immutable" 2>/dev/null || written=1
chattr -i "$STORE/immutable"
[ -n "${read:-}" ] || fail "an immutable file cannot be read"
[ -z "${written:-}" ] || fail "an immutable file was written"
echo more >>"$MOUNT/immutable" || fail "a file that is no longer immutable cannot be written"
stop_mount
[ "$(cat "$STORE/immutable")" = $'kept\nmore' ] || fail "the store has $(cat "$STORE/immutable")"
