#!/usr/bin/env bash
# Changes of atomic files that nobody commits fill one user's share of memory and spill file, not the mount: that user is told, by write and by
# msync, and all others go on. What could not be kept whole is never committed in part.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr setfattr setpriv python3
scratch
expect_log 'stores were dropped, since neither cache_size nor the spill file has room' 'no room for changed pages \(Disk quota exceeded\)'
expect_log 'cache_size is used up: pages go to the spill file'
chmod 1777 "$STORE"
start_mount cache_size=16M,journal_size=32M,commit_interval=1
python=/usr/bin/python3 # of the system: one in a home is not for others
[ -x $python ] || python=$(command -v python3)
hog() { setpriv --reuid=65534 --regid=65534 --clear-groups "$python" - "$@"; }

others_go_on() { # WHEN
    timeout -k 1 60 python3 - "$MOUNT" "$1" <<'P' || fail "others do not go on: $1"
import mmap, os, sys
path = sys.argv[1] + "/victim"
f = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
os.pwrite(f, b"v" * (8 << 20), 0)
os.fsync(f)
m = mmap.mmap(f, 8 << 20)
m[::4096] = b"w" * 2048
m.flush()
assert os.pread(f, 1, 4096 * 7) == b"w"
P
}

hog "$MOUNT/written" <<'P' || fail "writing without end was never refused"
import errno, os, sys
f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600)
os.setxattr(f, "user.mapshare.atomic", b"1")
os.pwrite(f, b"committed", 0)
os.fsync(f)
try:
    for i in range(400):
        os.pwrite(f, b"x" * (1 << 20), i << 20)
except OSError as e:
    sys.exit(0 if e.errno == errno.EDQUOT else "not EDQUOT: %s" % e)
sys.exit(1)
P
others_go_on "beside uncommitted changes"
[ "$(stats_value frames_free)" -gt 0 ] || fail "no frame is left to others"
rm "$MOUNT/written" # and all is free again

hog "$MOUNT/mapped" <<'P' || fail "an msync that cannot be whole did not fail"
import mmap, os, sys
f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600)
os.setxattr(f, "user.mapshare.atomic", b"1")
os.ftruncate(f, 120 << 20)
os.pwrite(f, b"committed", 0)
os.fsync(f)
m = mmap.mmap(f, 120 << 20)
for at in range(0, 120 << 20, 4096):
    m[at] = 1
for attempt in range(2): # the second one finds the kernel without dirty pages
    try:
        m.flush()
        sys.exit("msync succeeded")
    except OSError:
        pass
P
others_go_on "beside a mapped file that has no room"
stop_mount
[ "$(head -c 9 "$STORE/mapped")" = committed ] || fail "a part of what could not be committed is in the store"
