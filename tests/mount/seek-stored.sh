#!/usr/bin/env bash
# Copying programs that skip holes lose nothing that was stored through a mapping: SEEK_DATA sees it at once, and so does cp.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount
"$(helper mount/seek-stored)" "$MOUNT" || fail "a store is taken for a hole"
python3 - "$MOUNT" <<'EOF' || fail "cp lost a store"
import mmap, os, subprocess, sys
os.chdir(sys.argv[1])
fd = os.open("copied", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
os.fsync(fd)
map = mmap.mmap(fd, 0)
map[300000:300010] = b"0123456789"
for how in "auto", "always":
    subprocess.run(["cp", "--sparse=" + how, "copied", "copy"], check=True)
    with open("copy", "rb") as copy:
        assert copy.read() == map[:], how
EOF
stop_mount
