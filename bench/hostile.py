#!/usr/bin/env python3
"""One user's load on a mount that another uses: hostile.py HOG FOLDER goes on until it is ended; prints "on" when it is at work.

hostile.py victim FOLDER SECONDS prints the 99th percentiles, in microseconds, of fsync, open and utimensat."""

import fcntl
import mmap
import os
import struct
import sys
import threading
import time


def create(folder, name):
    return os.open(os.path.join(folder, name), os.O_CREAT | os.O_RDWR, 0o600)


def atomic(folder, name, pages):
    """A mapped file with every second page dirty."""
    file = create(folder, name)
    os.setxattr(file, "user.mapshare.atomic", b"1")
    os.ftruncate(file, pages * 4096)
    memory = mmap.mmap(file, pages * 4096)
    for page in range(0, pages, 2):
        memory[page * 4096] = 1
    return file


def repeat(count, work):
    for _ in range(count):
        threading.Thread(target=lambda: [work() for _ in iter(int, 1)], daemon=True).start()


def memory(folder):
    try:
        for i in range(1000):
            file = create(folder, f"memory{i}")
            os.setxattr(file, "user.mapshare.atomic", b"1")
            for at in range(32):
                os.pwrite(file, b"m" * (1 << 20), at << 20)
    except OSError:
        pass  # its share is used up


def waits(folder):
    """MAPSHARE_IOC_WAIT, for commits that never come."""
    file = atomic(folder, "waits", 50000)
    question = struct.pack("=QqQ", 1 << 60, -1, 0)
    command = 3 << 30 | len(question) << 16 | 0xB5 << 8 | 5
    threading.stack_size(65536)
    for _ in range(1000):
        threading.Thread(target=lambda: fcntl.ioctl(file, command, question), daemon=True).start()


def questions(folder):
    file = atomic(folder, "questions", 200000)
    repeat(16, lambda: os.getxattr(file, "user.mapshare.dirty"))


def removed(folder):
    for i in range(20000):
        try:
            create(folder, "removed")
        except OSError:
            break
        os.unlink(os.path.join(folder, "removed"))


def victim(folder, seconds):
    taken = {"fsync": [], "open": [], "utimensat": []}
    file = create(folder, "victim")
    until = time.monotonic() + seconds

    def measure(name, work):
        begin = time.monotonic_ns()
        work()
        taken[name].append((time.monotonic_ns() - begin) / 1000)

    def sync():
        os.pwrite(file, b"v" * 100, 0)
        os.fsync(file)

    while time.monotonic() < until or len(taken["fsync"]) < 100:
        measure("fsync", sync)
        measure("open", lambda: os.close(os.open(os.path.join(folder, "victim"), os.O_RDWR)))
        measure("utimensat", lambda: os.utime(file))
    for name, values in taken.items():
        print(name, sorted(values)[len(values) * 99 // 100])


def busy(_folder):
    """Asks nobody for anything: what a processor's time alone does to others."""
    repeat(1, lambda: None)


HOGS = {hog.__name__: hog for hog in (memory, waits, questions, removed, busy)}

if __name__ == "__main__":
    if sys.argv[1] == "victim":
        victim(sys.argv[2], float(sys.argv[3]))
    else:
        HOGS[sys.argv[1]](sys.argv[2])
        print("on", flush=True)
        sys.stdin.read()
