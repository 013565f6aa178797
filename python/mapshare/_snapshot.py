"""Files as of one commit."""
import contextlib
import ctypes
import threading
from typing import Iterable, Optional

from ._file import File
from ._library import call


class Snapshot:
    """What the last commits of these files left, of all at one moment, while others go on. The files may be closed.

    A context manager, which ends it. When later commits have replaced too much it is over: OSError, with errno ESTALE.
    """

    def __init__(self, files: Iterable[File]) -> None:
        self._guard = threading.Lock()  # it is not ended under a call
        self._handle: Optional[int] = None
        with contextlib.ExitStack() as stack:
            handles = [stack.enter_context(file._use()) for file in files]
            self._handle = call("snapshot", (ctypes.c_void_p * len(handles))(*handles), len(handles), 0)
        self.sequence = int(call("snapshot_sequence", self._handle))  # of the last commit that is in it

    def _use(self) -> int:
        if self._handle is None:
            raise ValueError("it is closed")
        return self._handle

    def size(self, index: int = 0) -> int:
        """Of the file at that place of the list."""
        size = ctypes.c_uint64()
        with self._guard:
            call("snapshot_size", self._use(), index, size)
        return size.value

    def read(self, length: int, offset: int = 0, index: int = 0) -> bytes:
        """Bytes of the file at that place of the list, fewer where it ends."""
        buffer = ctypes.create_string_buffer(length)
        with self._guard:
            copied = call("snapshot_read", self._use(), index, buffer, length, offset)
        return buffer.raw[:copied]

    def close(self) -> None:
        """Ends it. Once more does nothing."""
        with self._guard:
            handle, self._handle = self._handle, None
            if handle is not None:
                call("snapshot_close", handle)

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # nobody is there to be told
            pass
