#!/usr/bin/env bash
# st_blocks follows at once what is appended, punched and stored through a mapping, and says the same when all is in the store; asking for it
# goes on over a worker's death, and moves no page.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
expect_deaths
start_mount max_restarts=1000
cat >"$SCRATCH/blocks.py" <<'EOF'
import ctypes, mmap, os, sys, threading
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
KIB = 1024

def check(what, name, least, most):
    got = os.stat(name).st_blocks // 2
    if not least <= got <= most:
        sys.exit(f"{what}: {name} takes {got} KiB, expected {least} to {most}")

if sys.argv[2] == "make":
    for name, size in ("grow", 1 << 20), ("punch", 4 << 20):
        with open(name, "wb") as file:
            file.write(os.urandom(size))
            file.flush()
            os.fsync(file.fileno())
    with open("grow", "ab") as file:
        file.write(os.urandom(1 << 20))
    punch = os.open("punch", os.O_RDWR)
    if libc.fallocate64(punch, 3, ctypes.c_long(0), ctypes.c_long(3 << 20)):
        sys.exit(77)
    check("at once", "grow", 2040, 2100)
    check("at once", "punch", 1020, 1100)
    sparse = os.open("mapped", os.O_RDWR | os.O_CREAT)
    os.ftruncate(sparse, 1 << 20)
    os.fsync(sparse)
    map = mmap.mmap(sparse, 0)
    map[64 * KIB : 576 * KIB] = b"z" * (512 * KIB)
    check("at once", "mapped", 508, 560)
    map[64 * KIB : 80 * KIB] = b"y" * (16 * KIB)
    map[900 * KIB] = 1
    check("once more", "mapped", 516, 568)
    moved = os.getxattr("mapped", "user.mapshare.dirty.received")
    for i in range(100):
        os.stat("mapped")
    if os.getxattr("mapped", "user.mapshare.dirty.received") != moved:
        sys.exit("asking moved pages")
    def ask():
        for i in range(2000):
            check("among others", "mapped", 0, 568)
    askers = [threading.Thread(target=ask) for i in range(4)]
    for asker in askers:
        asker.start()
    print("asking", flush=True)
    for asker in askers:
        asker.join()
    map.flush()
    for name in "grow", "punch", "mapped":
        fd = os.open(name, os.O_RDWR)
        os.fsync(fd)
        os.close(fd)
check(sys.argv[2], "grow", 2040, 2100)
check(sys.argv[2], "punch", 1020, 1100)
check(sys.argv[2], "mapped", 516, 568)
EOF
status=0
coproc ASK { exec python3 "$SCRATCH/blocks.py" "$MOUNT" make 2>"$SCRATCH/said"; }
asking=$ASK_PID
kill_later "$asking"
read -r _ <&"${ASK[0]}" || true
for _ in 1 2 3; do
    worker=$(stats_value worker_pid)
    kill -9 "$worker"
    replaced() { [ "$(stats_value worker_pid)" != "$worker" ]; }
    wait_until 20 replaced || fail "no new worker"
done
wait "$asking" || status=$?
[ "$status" != 77 ] || skip "the store's file system cannot punch holes"
[ "$status" = 0 ] || fail "$(cat "$SCRATCH/said")"
stop_mount
python3 "$SCRATCH/blocks.py" "$STORE" store || fail "the store has it otherwise"
start_mount
python3 "$SCRATCH/blocks.py" "$MOUNT" remount || fail "wrong after a remount"
stop_mount
