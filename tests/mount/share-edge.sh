#!/usr/bin/env bash
# Uncommitted changes of atomic files at the very edge of their share, up and down, while others write many pages at once: whether a page is taken
# where it was received or copied changes amid a WRITE, and everybody reads what was written.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr python3
scratch
expect_log 'cache_size is used up: pages go to the spill file'
start_mount atomic,cache_size=16M,commit_interval=3600
edge=$(($(stats_value frames_total) / 4 * 3)) # pages, of all files together
python3 - "$MOUNT" "${SECONDS_LONG:-8}" "$edge" <<'P' || fail "what was written is not what is read"
import mmap, multiprocessing, os, sys, time
folder, end, edge, PAGE, PAGES = sys.argv[1], time.time() + float(sys.argv[2]), int(sys.argv[3]), 4096, 32

def hover():
    file = os.open(folder + "/hover", os.O_RDWR | os.O_CREAT)
    for page in range(0, edge + 16, 16):
        os.pwrite(file, b"h" * (16 * PAGE), page * PAGE)
    while time.time() < end:
        os.ftruncate(file, (edge - 16) * PAGE)
        os.pwrite(file, b"h" * (32 * PAGE), (edge - 16) * PAGE)

def write(number):
    file = os.open(f"{folder}/{number}", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    out, back, turn = mmap.mmap(-1, PAGES * PAGE), mmap.mmap(-1, PAGES * PAGE), 0
    while time.time() < end:
        turn += 1
        for page in range(PAGES):
            out[page * PAGE:(page + 1) * PAGE] = f"{turn:8} {page:2} {number}".encode().ljust(16) * (PAGE // 16)
        at = turn % 8 * PAGES * PAGE
        os.pwritev(file, [out], at)
        os.preadv(file, [back], at)
        for page in range(PAGES):
            here = slice(page * PAGE, page * PAGE + 16)
            if out[here] != back[here] or out[:] != back[:]:
                print(f"writer {number}, turn {turn}, page {page}: wrote {out[here]}, read {back[here]}", flush=True)
                os._exit(1)
    print(f"writer {number}: {turn} turns")

processes = [multiprocessing.Process(target=hover)] + [multiprocessing.Process(target=write, args=(i,)) for i in range(3)]
for process in processes:
    process.start()
for process in processes:
    process.join()
sys.exit(any(process.exitcode for process in processes))
P
stop_mount
