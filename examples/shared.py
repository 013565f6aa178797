#!/usr/bin/env python3
"""usage: shared.py FILE [TIMES]

Counts in FILE together with examples/shared-counter, a C program: both see one structure in shared memory.
Needs the package mapshare of the folder python.
"""
import ctypes
import os
import sys

import mapshare


class Counter(ctypes.Structure):  # struct counter of shared-counter.c
    _fields_ = [("count", ctypes.c_int64), ("last", ctypes.c_char * 56)]


def count(shared, times):
    counter = Counter.from_buffer(shared.view())
    lock = mapshare.Lock(shared, repair=lambda: None)  # a count is whole at any time: nothing to repair
    for _ in range(times):
        with lock:
            counter.count += 1
            counter.last = f"process {os.getpid()}, in Python".encode()
    shared.sync()  # durable from here on
    return counter.count


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    with mapshare.open(sys.argv[1], os.O_RDWR | os.O_CREAT, size=ctypes.sizeof(Counter)) as shared:
        print(count(shared, int(sys.argv[2]) if len(sys.argv) == 3 else 1))


main()
