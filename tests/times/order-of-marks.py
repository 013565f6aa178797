#!/usr/bin/env python3
"""What is made or changed later never looks older: programs that build by time stamps rely on it. Argument: a folder, which is then left full."""
import itertools
import mmap
import os
import sys

os.chdir(sys.argv[1])
with open("mapped", "wb") as file:
    file.write(bytes(4096))
mapped = os.open("mapped", os.O_RDWR)
memory = mmap.mmap(mapped, 4096)
numbers = itertools.count()


def store(name):
    memory[0:8] = next(numbers).to_bytes(8, "little")
    memory.flush()


def write(name):
    with open(name, "w") as file:
        file.write(str(next(numbers)))


def link(name):
    os.link("written", name)


def create(name):
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def truncate(name):
    os.truncate("written", next(numbers))


def mode(name):
    os.chmod("written", 0o600 + next(numbers) % 2)


# What it does; the file whose mark it leaves, None: the new one; and which mark.
STEPS = {
    "store": (store, "mapped", "st_mtime_ns"),
    "write": (write, None, "st_mtime_ns"),
    "truncate": (truncate, "written", "st_mtime_ns"),
    "chmod": (mode, "written", "st_ctime_ns"),
    "touch": (lambda name: os.utime("written"), "written", "st_mtime_ns"),
    "create": (create, None, "st_mtime_ns"),
    "mkdir": (os.mkdir, None, "st_mtime_ns"),
    "symlink": (lambda name: os.symlink("x", name), None, "st_mtime_ns"),
    "mkfifo": (os.mkfifo, None, "st_mtime_ns"),
    "link": (link, "written", "st_ctime_ns"),
    "folder": (os.mkdir, ".", "st_mtime_ns"),
}


def do(step, name):
    act, marked, which = STEPS[step]
    act(name)
    return getattr(os.lstat(marked or name), which)


write("written")
wrong = {}
for round_ in range(25):
    for first in STEPS:
        for second in STEPS:
            one = do(first, f"a{next(numbers)}")
            two = do(second, f"b{next(numbers)}")
            if two < one:
                wrong[first, second] = max(wrong.get((first, second), 0), one - two)
for (first, second), by in wrong.items():
    print(f"{second} after {first} looks older by up to {by / 1e6:.3f} ms")
sys.exit(bool(wrong))
