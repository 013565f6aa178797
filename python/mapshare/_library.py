"""libmapshare's C interface: its structures and calls, as mapshare.h and mapshare-mmap.h declare them, and its errors."""
import ctypes
import errno
import os
import time
from ctypes import POINTER, c_char_p, c_int, c_int32, c_long, c_size_t, c_ssize_t, c_uint, c_uint32, c_uint64, c_void_p
from typing import Any, Optional


class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", c_long), ("tv_nsec", c_long)]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("size", c_uint64), ("reserve", c_uint64), ("flags", c_uint32),
                ("reserved", c_uint32 * 5)]


class Receipt(ctypes.Structure):
    _fields_ = [("sequence", c_uint64), ("time", Timespec)]


class Range(ctypes.Structure):
    _fields_ = [("first", c_uint64), ("last", c_uint64), ("state", c_uint32), ("reserved", c_uint32)]


class Status(ctypes.Structure):
    _fields_ = [("size", c_uint64), ("committed_size", c_uint64), ("atime", Timespec), ("mtime", Timespec), ("ctime", Timespec),
                ("commit", Receipt), ("kernel", c_uint64), ("received", c_uint64), ("committed", c_uint64),
                ("writeback", c_uint64), ("failed", c_uint64), ("error", c_int32), ("on_mount", c_uint32), ("atomic", c_uint32),
                ("reserved", c_uint32 * 5)]


class Change(ctypes.Structure):
    _fields_ = [("sequence", c_uint64), ("first", c_uint64), ("last", c_uint64), ("size", c_uint64), ("kind", c_uint32),
                ("reserved", c_uint32)]


class Event(ctypes.Structure):
    _fields_ = [("sequence", c_uint64), ("notices", c_uint64)]


OPEN_ATOMIC = 1
OPEN_POPULATE = 2
LOCK_SHARED = 1
LOCK_TRY = 2
EVENT_COMMITS = 1
EVENT_NOTICES = 2
CHANGES_MOST = 4096
MS_SYNC = 4
MAP_FAILED = c_void_p(-1).value

# The result of each call, then its arguments.
SIGNATURES = {
    "version": (c_uint,),
    "open": (c_void_p, c_char_p, c_int, c_uint, POINTER(Options)),
    "fdopen": (c_void_p, c_int, POINTER(Options)),
    "close": (c_int, c_void_p),
    "addr": (c_void_p, c_void_p),
    "size": (c_size_t, c_void_p),
    "fd": (c_int, c_void_p),
    "resize": (c_int, c_void_p, c_uint64),
    "sync": (c_int, c_void_p, c_uint64, c_uint64, c_int, POINTER(Receipt)),
    "commit": (c_int, POINTER(c_void_p), c_size_t, POINTER(Receipt)),
    "rollback": (c_int, POINTER(c_void_p), c_size_t, POINTER(Receipt)),
    "snapshot": (c_void_p, POINTER(c_void_p), c_size_t, c_uint),
    "snapshot_read": (c_ssize_t, c_void_p, c_size_t, c_void_p, c_size_t, c_uint64),
    "snapshot_size": (c_int, c_void_p, c_size_t, POINTER(c_uint64)),
    "snapshot_sequence": (c_uint64, c_void_p),
    "snapshot_close": (c_int, c_void_p),
    "wait_until": (c_int, c_void_p, c_uint64, POINTER(Timespec)),
    "changes": (c_ssize_t, c_void_p, c_uint64, POINTER(Change), c_size_t, POINTER(c_uint64)),
    "event_fd": (c_int, c_void_p, c_uint32),
    "dirty": (c_ssize_t, c_void_p, POINTER(Range), c_size_t),
    "stat": (c_int, c_void_p, POINTER(Status), c_size_t),
    "lock_at": (c_int, c_void_p, c_uint32, c_uint32, POINTER(Timespec)),
    "unlock_at": (c_int, c_void_p, c_uint32),
    "consistent_at": (c_int, c_void_p, c_uint32),
    "notify": (c_int, c_void_p),
    "watch_until": (c_int, c_void_p, POINTER(c_uint64), POINTER(Timespec)),
    "guard": (c_int,),
    "read": (c_ssize_t, c_void_p, c_void_p, c_size_t, c_uint64),
    "write": (c_ssize_t, c_void_p, c_void_p, c_size_t, c_uint64),
    "anonymous": (c_void_p, c_size_t),
    "send": (c_int, c_void_p, c_int),
    "receive": (c_void_p, c_int),
    "mmap": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_int, c_long),
    "munmap": (c_int, c_void_p, c_size_t),
    "msync": (c_int, c_void_p, c_size_t, c_int),
}


class NotSupported(OSError):
    """ENOTSUP: most often, the file is not on a mapsharefs mount."""


class Lost(OSError):
    """ERANGE: it is not known any more what commits changed. Look at the whole file; what commits after upto change is known."""

    upto = 0


class OwnerDied(OSError):
    """EOWNERDEAD: an owner died with the lock, and nobody has repaired what it left. The lock is not held."""


def error(number: int, path: Optional[Any] = None) -> OSError:
    kind = {errno.ENOTSUP: NotSupported, errno.EOWNERDEAD: OwnerDied, errno.ERANGE: Lost}.get(number, OSError)
    return kind(number, os.strerror(number)) if path is None else kind(number, os.strerror(number), path)


_library = ctypes.CDLL("libmapshare.so.1", use_errno=True)
for _name, (_result, *_arguments) in SIGNATURES.items():
    _function = getattr(_library, "mapshare_" + _name)
    _function.restype, _function.argtypes = _result, _arguments


def call(name: str, *arguments: Any, path: Optional[Any] = None) -> Any:
    """Calls mapshare_NAME. A failure is raised; what was ended by a signal is called again, as Python does (PEP 475)."""
    while True:
        result = getattr(_library, "mapshare_" + name)(*arguments)
        if result not in (None, -1, MAP_FAILED):
            return result
        number = ctypes.get_errno()
        if number != errno.EINTR or name == "close":  # which has closed it
            raise error(number, path)


def moment(timeout: Optional[float]) -> Optional[Timespec]:
    """timeout seconds from now, of CLOCK_MONOTONIC; None is for ever."""
    if timeout is None:
        return None
    nanoseconds = time.monotonic_ns() + max(0, int(timeout * 1e9))
    return Timespec(nanoseconds // 10**9, nanoseconds % 10**9)
