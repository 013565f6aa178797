#!/usr/bin/env bash
# What one user may have of what all share is bounded: open files, parked waits, descriptors of removed files. Who is over it is told EDQUOT, or
# pays with a rename; all others, root too, go on. The next worker counts the same.
. "$(dirname "$0")/../lib.sh"
need_root
need_mount
need_program getfattr setpriv python3
scratch
chmod 1777 "$STORE"
python=/usr/bin/python3 # of the system: one in a home is not for others
[ -x $python ] || python=$(command -v python3)
as() { local user=$1; shift; setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
HOG=4002 OTHER=4003
expect_deaths
holds() { stats_value "user_${HOG}_$1"; } # WHAT
holds_just() { [ "$(holds "$1")" = "$2" ]; } # WHAT COUNT

ulimit -n 600 # of which one user's removed files may keep the hundredth part of a half
start_mount user_handles=50,user_waits=20,user_removed=1

# open files
cat >"$SCRATCH/open.py" <<'P'
import errno, os, sys
folder, most = sys.argv[1], int(sys.argv[2])
files = []
try:
    for i in range(most):
        files.append(os.open(folder + "/open%d" % i, os.O_CREAT | os.O_RDWR, 0o600))
except OSError as e:
    print(errno.errorcode[e.errno], len(files), os.path.exists(folder + "/open%d" % len(files)), flush=True)
else:
    print("all", len(files), flush=True)
sys.stdin.readline()
P
chmod 755 "$SCRATCH/open.py"
mkdir -m 1777 "$MOUNT/open"
mkfifo "$SCRATCH/go"
setpriv --reuid=$HOG --regid=$HOG --clear-groups "$python" "$SCRATCH/open.py" "$MOUNT/open" 80 <"$SCRATCH/go" >"$SCRATCH/opened" &
hog=$!
kill_later $hog
exec 9>"$SCRATCH/go"
wait_until 20 test -s "$SCRATCH/opened"
[ "$(cat "$SCRATCH/opened")" = "EDQUOT 50 False" ] || fail "open files: $(cat "$SCRATCH/opened")"
holds_just handles 50 || fail "$(holds handles) handles are counted"
as $OTHER "$python" -c 'import os, sys; os.open(sys.argv[1] + "/other", os.O_CREAT | os.O_RDWR)' "$MOUNT/open"
"$python" - "$MOUNT/open" <<'P' || fail "root is bound, too"
import os, sys
files = [os.open(sys.argv[1] + "/root%d" % i, os.O_CREAT | os.O_RDWR, 0o600) for i in range(60)]
P
worker=$(stats_value worker_pid)
kill -9 "$worker"
wait_until 20 holds_just handles 50 || fail "the next worker counts $(holds handles) handles"
as $HOG "$python" -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY)' "$MOUNT/open/open1" 2>"$SCRATCH/told" && fail "one more is opened"
grep -q 'quota' "$SCRATCH/told" || fail "$(cat "$SCRATCH/told")"
echo >&9
wait $hog
wait_until 20 holds_just handles "" || fail "$(holds handles) handles are counted when all are closed"

# waits
as $HOG "$python" -c 'import os, sys; os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o644), b"x")' "$MOUNT/open/awaited"
setpriv --reuid=$HOG --regid=$HOG --clear-groups "$(helper mount/fair-waits)" "$MOUNT/open/awaited" 30 >"$SCRATCH/waits" &
hog=$!
kill_later $hog
ten() { [ "$(grep -c . "$SCRATCH/waits")" = 10 ]; }
wait_until 20 ten || fail "refused: $(cat "$SCRATCH/waits")"
! grep -qv '^refused$' "$SCRATCH/waits" || fail "$(cat "$SCRATCH/waits")"
wait_until 20 holds_just waiting 20 || fail "$(holds waiting) waits are counted"
kill -9 "$(stats_value worker_pid)"
wait_until 20 holds_just waiting 20 || fail "the next worker counts $(holds waiting) waits"
ten || fail "waits that were let in are refused by the next worker"
kill -9 $hog
wait_gone 20 $hog || fail "an interrupted wait does not end"
wait_until 20 holds_just waiting "" || fail "$(holds waiting) waits are counted when all ended"

# removed files that are open: what is over the share is kept elsewhere, and its user sees no difference
cat >"$SCRATCH/remove.py" <<'P'
import os, sys
files = []
for i in range(40):
    name = sys.argv[1] + "/removed%d" % i
    f = os.open(name, os.O_CREAT | os.O_RDWR, 0o600)
    os.unlink(name)
    os.pwrite(f, b"%d" % i, 0)
    files.append(f)
for i, f in enumerate(files):
    assert os.pread(f, 9, 0) == b"%d" % i
print("removed", flush=True)
sys.stdin.readline()
for i, f in enumerate(files):
    assert os.pread(f, 9, 0) == b"%d" % i
P
setpriv --reuid=$HOG --regid=$HOG --clear-groups "$python" "$SCRATCH/remove.py" "$MOUNT/open" <"$SCRATCH/go" >"$SCRATCH/removed" &
hog=$!
kill_later $hog
exec 9>"$SCRATCH/go"
wait_until 20 grep -q removed "$SCRATCH/removed" || fail "files cannot be removed while they are open"
holds_just removed 2 || fail "$(holds removed) descriptors are kept for one user"
[ "$(find "$STORE/.mapshare/removed" -type f | wc -l)" = 38 ] || fail "$(ls "$STORE/.mapshare/removed")"
kill -9 "$(stats_value worker_pid)"
wait_until 20 holds_just removed 2 || fail "the next worker counts $(holds removed) descriptors"
echo >&9
wait $hog || fail "a removed file is not what it was"
nothing_left() { [ -z "$(find "$STORE/.mapshare/removed" -type f)" ]; }
wait_until 20 nothing_left || fail "removed files stay: $(ls "$STORE/.mapshare/removed")"
stop_mount
