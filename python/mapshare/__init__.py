"""Shared memory that lasts: libmapshare for Python.

    import mapshare, os

    with mapshare.open("board", os.O_RDWR | os.O_CREAT, size=4096) as board:
        lock = mapshare.Lock(board)
        with lock, board.view() as memory:
            memory[0] += 1          # seen by every process that maps the file
            board.sync()            # durable; on a mapsharefs mount all or nothing

Failures are OSError, by errno its subclasses: TimeoutError, PermissionError, FileNotFoundError, and of this module NotSupported (the
file is not on a mount), OwnerDied and Lost (of File.changes).
"""
from ._events import Event, Events
from ._file import (Change, ChangeKind, File, PageState, Receipt, Run, Status, anonymous, commit, fdopen, guard, open, receive, rollback,
                    version)
from ._library import Lost, NotSupported, OwnerDied
from ._lock import Lock
from ._mapping import Mapping
from ._snapshot import Snapshot

__all__ = ["Change", "ChangeKind", "Event", "Events", "File", "Lock", "Lost", "Mapping", "NotSupported", "OwnerDied", "PageState", "Receipt",
           "Run", "Snapshot", "Status", "anonymous", "commit", "fdopen", "guard", "open", "receive", "rollback", "version"]
