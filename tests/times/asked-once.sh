#!/usr/bin/env bash
# The kernel keeps what it was told of a file's size and times: however often somebody asks after a change that the daemon saw, the daemon is asked twice,
# whether the change is committed or not; and the next change is seen at once, also that of pages that another process has the kernel write back.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program python3
scratch
start_traced_mount
cat >"$SCRATCH/ask.py" <<'END'
import mmap, os, subprocess, sys, time
os.chdir(sys.argv[1])
trace = open(sys.argv[2])
GETATTR, CLOCK_REALTIME_COARSE = 3, 5

def requests(): # since this was last asked
    return sum(f" request {GETATTR} of node" in line for line in trace)

def settle(status): # the clock of time stamps goes in steps
    while time.clock_gettime_ns(CLOCK_REALTIME_COARSE) <= status.st_ctime_ns:
        pass

def other_msync(offset):
    subprocess.run([sys.executable, "-c", f"""
import mmap, os
file = os.open("file", os.O_RDWR)
memory = mmap.mmap(file, 0)
memory[{offset}] ^= 1
memory.flush()
"""], check=True)

file = os.open("file", os.O_RDWR | os.O_CREAT)
os.pwrite(file, b"x" * 16384, 0)
memory = mmap.mmap(file, 0)
changes = {
    "made": lambda: None,
    "written": lambda: os.pwrite(file, b"y" * 4096, 0),
    "grown": lambda: os.pwrite(file, b"z", 20000),
    "synced": lambda: (memory.__setitem__(0, memory[0] ^ 1), memory.flush()),
    "synced by another": lambda: other_msync(4096),
    "committed": lambda: os.fsync(file),
    "its mode changed": lambda: os.chmod("file", 0o600),
    "an attribute set": lambda: os.setxattr("file", "user.x", b"1"),
    "cut": lambda: os.ftruncate(file, 8192),
    "allocated": lambda: os.posix_fallocate(file, 0, 40000),
}
marks_ctime = set(changes) - {"made", "committed"}
before = os.fstat(file)
for name, change in changes.items():
    settle(before)
    requests()
    change()
    first = os.fstat(file)
    if name in marks_ctime and first.st_ctime_ns <= before.st_ctime_ns:
        sys.exit(f"{name}: ctime stays")
    for i in range(100):
        if os.fstat(file) != first:
            sys.exit(f"{name}: it changes by itself")
    time.sleep(0.01) # the trace is written after the answer
    asked = requests()
    if asked > 4: # opening by name asks, too
        sys.exit(f"{name}: the daemon was asked {asked} times")
    before = first
END
python3 "$SCRATCH/ask.py" "$MOUNT" "$SCRATCH/trace" || fail "see above"
stop_mount
