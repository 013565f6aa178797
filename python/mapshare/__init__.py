"""Shared memory that lasts: libmapshare for Python.

    import mapshare, os

    with mapshare.open("board", os.O_RDWR | os.O_CREAT, size=4096) as board:
        lock = mapshare.Lock(board)
        with lock, board.view() as memory:
            memory[0] += 1          # seen by every process that maps the file
            board.sync()            # durable; on a mapsharefs mount all or nothing

Failures are OSError, by errno its subclasses: TimeoutError, PermissionError, FileNotFoundError, and of this module NotSupported (the
file is not on a mount) and OwnerDied.
"""
from ._file import File, PageState, Receipt, Run, Status, anonymous, commit, fdopen, guard, open, receive, rollback, version
from ._library import NotSupported, OwnerDied
from ._lock import Lock
from ._mapping import Mapping
from ._snapshot import Snapshot

__all__ = ["File", "Lock", "Mapping", "NotSupported", "OwnerDied", "PageState", "Receipt", "Run", "Snapshot", "Status", "anonymous", "commit",
           "fdopen", "guard", "open", "receive", "rollback", "version"]
