#!/usr/bin/env bash
# A probe that is stopped, or one of its lanes, is replaced: what waits for its answer goes on. An utimensat is not behind the questions of another
# user, however many of them wait.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr python3 setpriv
scratch
chmod 1777 "$STORE"
start_mount
echo text >"$MOUNT/file"
exec 7<>"$MOUNT/file" # it may be mapped: its times are set when the kernel's pages came
sets_times() { timeout -k 1 60 touch -d "2001-02-03 04:05:0$1 UTC" "$MOUNT/file" && [ "$(stat -c %Y "$MOUNT/file")" = $((981173100 + $1)) ]; }
another() { [ "$(stats_value probe_pid)" != 0 ] && [ "$(stats_value probe_pid)" != "$probe" ]; }

sets_times 1 || fail "utimensat"
probe=$(stats_value probe_pid)
kill -STOP "$probe"
sets_times 2 || fail "utimensat waits for a stopped probe"
wait_until 20 another || fail "a stopped probe is not replaced"
probe=$(stats_value probe_pid)
lanes() { [ "$(children_of "$probe" | wc -l)" = 4 ]; }
wait_until 20 lanes || fail "the probe has these lanes: $(children_of "$probe")"
for lane in $(children_of "$probe"); do kill -STOP "$lane" 2>/dev/null || true; done
sets_times 3 || fail "utimensat waits for a stopped lane"
wait_until 20 another || fail "a probe with a stopped lane is not replaced"

# A hog asks and asks about a file whose dirty pages are scattered.
python=/usr/bin/python3
[ -x $python ] || python=$(command -v python3)
cat >"$SCRATCH/hog.py" <<'P'
import mmap, os, sys, threading
f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600)
os.setxattr(f, "user.mapshare.atomic", b"1")
os.ftruncate(f, 8192 * 4096)
m = mmap.mmap(f, 8192 * 4096)
for page in range(0, 8192, 2):
    m[page * 4096] = 1
def ask():
    while True:
        os.getxattr(f, "user.mapshare.dirty")
for i in range(32):
    threading.Thread(target=ask, daemon=True).start()
print("asking", flush=True)
sys.stdin.read()
P
chmod 755 "$SCRATCH/hog.py"
mkfifo "$SCRATCH/go"
setpriv --reuid=4002 --regid=4002 --clear-groups "$python" "$SCRATCH/hog.py" "$MOUNT/hog" <"$SCRATCH/go" >"$SCRATCH/asking" &
hog=$!
kill_later $hog
exec 9>"$SCRATCH/go"
wait_until 30 grep -q asking "$SCRATCH/asking" || fail "the hog does not ask"
waiting() { [ "$(stats_value user_4002_waiting)" -gt 8 ]; }
wait_until 30 waiting || fail "none of the hog's questions waits"
for i in 4 5 6 7; do sets_times $i || fail "utimensat beside another's questions"; done
[ "$(stats_value user_4002_probe_milliseconds)" -gt 0 ] || fail "no time of the probe is counted"
exec 9>&-
kill -9 $hog
wait_gone 20 $hog || fail "a process that asks cannot be ended"
exec 7>&-
closed() { [ "$(stats_value handles)" = 0 ] && [ "$(stats_value user_4002_waiting)" = 0 ]; }
wait_until 20 closed || fail "$(stats_value handles) handles are left"
stop_mount
