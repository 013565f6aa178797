#!/usr/bin/env python3
"""usage: shared.py FILE [TIMES]

Counts in FILE together with examples/shared-counter, a C program: both see one structure in shared memory.
Needs nothing but libmapshare: the calls are reached through ctypes.
"""
import ctypes
import os
import sys


class Counter(ctypes.Structure):  # struct counter of shared-counter.c
    _fields_ = [("count", ctypes.c_int64), ("last", ctypes.c_char * 56)]


class Options(ctypes.Structure):  # struct mapshare_options
    _fields_ = [("struct_size", ctypes.c_size_t), ("size", ctypes.c_uint64), ("reserve", ctypes.c_uint64),
                ("flags", ctypes.c_uint32), ("reserved", ctypes.c_uint32 * 5)]


library = ctypes.CDLL("libmapshare.so.1", use_errno=True)
library.mapshare_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Options)]
library.mapshare_open.restype = ctypes.c_void_p
library.mapshare_addr.argtypes = [ctypes.c_void_p]
library.mapshare_addr.restype = ctypes.c_void_p
library.mapshare_sync.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int, ctypes.c_void_p]
for name in "lock", "unlock", "consistent", "close":
    getattr(library, "mapshare_" + name).argtypes = [ctypes.c_void_p]
MS_SYNC = 4


def check(result):
    if result == -1 or result is None:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def lock(shared):
    if check(library.mapshare_lock(shared)) == 1:  # the last owner died
        check(library.mapshare_consistent(shared))  # a count is whole at any time: nothing to repair


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    options = Options(size=ctypes.sizeof(Counter))
    shared = check(library.mapshare_open(os.fsencode(sys.argv[1]), os.O_RDWR | os.O_CREAT, 0o644, ctypes.byref(options)))
    counter = Counter.from_address(library.mapshare_addr(shared))
    for _ in range(int(sys.argv[2]) if len(sys.argv) == 3 else 1):
        lock(shared)
        counter.count += 1
        counter.last = f"process {os.getpid()}, in Python".encode()
        check(library.mapshare_unlock(shared))
    check(library.mapshare_sync(shared, 0, 0, MS_SYNC, None))  # durable from here on
    print(counter.count)
    check(library.mapshare_close(shared))


main()
