"""Memory that is mapped, as Python sees it: no view of it outlives it."""
import ctypes
import errno
import threading
import weakref
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Tuple


class Memory:
    """The base of File and Mapping.

    close() releases the views that were given out. While a slice of one lives, or an array over one, it raises BufferError, as
    mmap.mmap does.
    """

    _writable: bool

    def __init__(self) -> None:
        self._handle: Optional[int] = None  # what the C calls take
        self._calls = 0  # under way, in any thread
        self._guard = threading.RLock()  # a signal handler may call us amid a call
        self._views: List["weakref.ref[memoryview]"] = []  # that were given out
        self._arrays: List["weakref.ref[Any]"] = []  # under them, and under what was made of them

    def _place(self) -> Tuple[int, int]:
        """Address and size, now."""
        raise NotImplementedError

    def _unmap(self, handle: int) -> None:
        raise NotImplementedError

    @contextmanager
    def _use(self) -> Iterator[int]:
        """For a call: while it runs, no other thread can close the memory under it."""
        with self._guard:
            if self._handle is None:
                raise ValueError("it is closed")
            self._calls += 1
        try:
            yield self._handle
        finally:
            with self._guard:
                self._calls -= 1

    def view(self, offset: int = 0, length: Optional[int] = None) -> memoryview:
        """The bytes from offset, length or as many as there are now, without a copy; read-only where the file is.

        What is stored there is seen by every process that maps the file. For numpy: numpy.frombuffer(file.view(), dtype=...).
        """
        with self._use():
            address, size = self._place()
            if length is None:
                length = size - offset
            if offset < 0 or length < 0 or offset + length > size:
                raise ValueError(f"{length} bytes at {offset} are not within the {size} bytes that there are")
            if length == 0:
                return memoryview(b"")
            array: Any = (ctypes.c_ubyte * length).from_address(address + offset)
            array.memory = self  # which therefore does not end before the array
            view = memoryview(array).cast("B")
            if not self._writable:
                view = view.toreadonly()
            with self._guard:
                self._views = [each for each in self._views if each() is not None] + [weakref.ref(view)]
                self._arrays = [each for each in self._arrays if each() is not None] + [weakref.ref(array)]
            return view

    def __buffer__(self, flags: int) -> memoryview:
        """memoryview(file), numpy.frombuffer(file) and the like, from Python 3.12 on."""
        return self.view()

    def _require_no_views(self) -> None:
        if any(each() is not None for each in self._arrays):
            raise BufferError("something still uses a view of this memory")

    @property
    def closed(self) -> bool:
        """Whether close() was called, or `with` has ended."""
        return self._handle is None

    def close(self) -> None:
        """Releases the views and unmaps; commits nothing. Once more does nothing."""
        with self._guard:
            if self._handle is None:
                return
            if self._calls:
                raise BufferError("another thread is in a call")
            for each in self._views:
                view = each()
                if view is not None:
                    view.release()  # BufferError: an array was made over it
            self._require_no_views()
            handle, self._handle = self._handle, None
            try:
                self._unmap(handle)
            except OSError as failure:
                if failure.errno == errno.EBUSY:
                    self._handle = handle
                raise

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # nobody is there to be told
            pass

    def __exit__(self, *_: object) -> None:
        self.close()
