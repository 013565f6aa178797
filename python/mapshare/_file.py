"""Files that are open and mapped."""
import asyncio
import contextlib
import ctypes
import enum
import fcntl
import os
import threading
import time
from typing import Any, Awaitable, Callable, Iterable, List, NamedTuple, Optional, Tuple, TypeVar, Union

from . import _library
from ._events import Events
from ._library import call, moment
from ._memory import Memory

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Result = TypeVar("Result")
SLICE = 0.2  # seconds after which a wait in a thread looks whether it is still wanted


class Receipt(NamedTuple):
    """What a commit returns: this commit of the file, or a later one, is durable."""

    sequence: int  # 0 where the file system has none
    time_ns: int  # since 1970


class PageState(enum.IntEnum):
    """The state of a page that differs from the store."""

    KERNEL = 1  # stored to, still in the kernel's page cache
    RECEIVED = 2  # in the daemon, not committed
    COMMITTED = 3  # durable in the journal, not yet in the store's file
    WRITEBACK = 4  # being written to the store's file now
    FAILED = 5  # kept after a write error


class Run(NamedTuple):
    """Pages in one state, of 4096 bytes each."""

    first: int
    last: int  # inclusive
    state: int  # a PageState, perhaps one that a later library knows


class ChangeKind(enum.IntEnum):
    """What a commit did to pages."""

    STORED = 1  # they have other bytes
    HOLE = 2  # they are zeros without blocks
    CUT = 3  # the file was cut in the first of them; what follows of the same commit came later
    GROWN = 4  # the file reaches so far now; zeros, but for what is stored
    ANY = 5  # too many runs to be told: any page


class Change(NamedTuple):
    """Pages that a commit changed, of 4096 bytes each."""

    sequence: int
    first: int
    last: Optional[int]  # inclusive; None: to the end
    size: int  # of the file as of the commit, bytes
    kind: int  # a ChangeKind, perhaps one that a later library knows


class Status(NamedTuple):
    """What File.stat() tells; counts are in pages of 4096 bytes."""

    size: int
    committed_size: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    commit: Receipt  # the file's last
    kernel: Optional[int]  # None: cannot be asked
    received: int
    committed: int
    writeback: int
    failed: int
    error: int  # errno that the daemon keeps for the file, or 0
    on_mount: bool
    atomic: bool


def _nanoseconds(moment: _library.Timespec) -> int:
    return int(moment.tv_sec) * 10**9 + int(moment.tv_nsec)


def _receipt(c: _library.Receipt) -> Receipt:
    return Receipt(c.sequence, _nanoseconds(c.time))


def _status(c: _library.Status) -> Status:
    return Status(c.size, c.committed_size, _nanoseconds(c.atime), _nanoseconds(c.mtime), _nanoseconds(c.ctime), _receipt(c.commit),
                  None if c.kernel == 2**64 - 1 else c.kernel, c.received, c.committed, c.writeback, c.failed, c.error,
                  bool(c.on_mount), bool(c.atomic))


class File(Memory):
    """A file, or anonymous memory, that this process has open and mapped. Made by open(), fdopen(), anonymous() and receive().

    A context manager, which closes it. Any method may be called from any thread. What the C library fails with is an OSError; its
    manual pages tell the errors of each call.
    """

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle
        self._writable = fcntl.fcntl(self.fileno(), fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY

    def __enter__(self) -> "File":
        return self

    def _place(self) -> Tuple[int, int]:
        return call("addr", self._handle), call("size", self._handle)

    def _unmap(self, handle: int) -> None:
        call("close", handle)

    @property
    def size(self) -> int:
        """Bytes that can be used now; another process may change it at any time."""
        with self._use() as handle:
            return int(call("size", handle))

    def __len__(self) -> int:
        return self.size

    def fileno(self) -> int:
        """The file's descriptor, which stays the file's."""
        with self._use() as handle:
            return int(call("fd", handle))

    def resize(self, size: int) -> None:
        """Gives the file size bytes. A view keeps the size that it was made with; while there is one, nothing shrinks
        (BufferError)."""
        with self._use() as handle:
            if size < call("size", handle):
                self._require_no_views()
            call("resize", handle, size)

    def read(self, length: int, offset: int = 0) -> bytes:
        """A copy of length bytes, fewer where the file ends. If others cut the file meanwhile it fails, where a view would kill."""
        buffer = ctypes.create_string_buffer(length)
        with self._use() as handle:
            copied = call("read", handle, buffer, length, offset)
        return buffer.raw[:copied]

    def write(self, data: Any, offset: int = 0) -> int:
        """Copies bytes to the file, which never grows by it. Returns how many. As safe as read()."""
        content = bytes(data)
        with self._use() as handle:
            return int(call("write", handle, content, len(content), offset))

    def sync(self, offset: int = 0, length: int = 0, flags: int = _library.MS_SYNC) -> Receipt:
        """Makes the changes of a part durable; length 0 is to the end. On a mount it is a commit: all or nothing."""
        receipt = _library.Receipt()
        with self._use() as handle:
            call("sync", handle, offset, length, flags, receipt)
        return _receipt(receipt)

    def wait(self, sequence: int, timeout: Optional[float] = None) -> None:
        """Waits for the commit of this number, or a later one, by whoever. TimeoutError after so many seconds."""
        with self._use() as handle:
            call("wait_until", handle, sequence, moment(timeout))

    def notify(self) -> None:
        """Wakes all who watch the file."""
        with self._use() as handle:
            call("notify", handle)

    def watch(self, seen: int = 0, timeout: Optional[float] = None) -> int:
        """Waits until the count of notices is not seen, and returns it. TimeoutError after so many seconds."""
        count = ctypes.c_uint64(seen)
        with self._use() as handle:
            call("watch_until", handle, count, moment(timeout))
        return count.value

    def events(self, commits: bool = True, notices: bool = True) -> Events:
        """What happens to the file from now on, for event loops."""
        what = (_library.EVENT_COMMITS if commits else 0) | (_library.EVENT_NOTICES if notices else 0)
        with self._use() as handle:
            return Events(call("event_fd", handle, what))

    async def wait_async(self, sequence: int, timeout: Optional[float] = None) -> None:
        """wait() for asyncio."""
        await self._when(lambda part: self.wait(sequence, part), timeout, commits=True, notices=False)

    async def watch_async(self, seen: int = 0, timeout: Optional[float] = None) -> int:
        """watch() for asyncio. Off the mount, and where the file is only readable, it waits in a thread of the loop's executor."""
        return await self._when(lambda part: self.watch(seen, part), timeout, commits=False, notices=True)

    async def _when(self, wait: Callable[[float], Result], timeout: Optional[float], **what: bool) -> Result:
        try:
            events = self.events(**what)
        except (_library.NotSupported, PermissionError):
            return await _in_thread(wait, timeout)
        end = None if timeout is None else time.monotonic() + timeout
        with events:
            while True:
                try:
                    return wait(0)
                except TimeoutError:
                    left = None if end is None else end - time.monotonic()
                    if left is not None and left <= 0:
                        raise
                with contextlib.suppress(asyncio.TimeoutError):  # then it is asked for the last time
                    await asyncio.wait_for(events.wait(), left)

    def changes(self, since: int) -> Tuple[List[Change], int]:
        """What the commits after this one changed, in order; and the last of all commits that are told, for the next time. Lost where
        that is not known any more."""
        changes: List[Change] = []
        upto = ctypes.c_uint64(since)
        found = (_library.Change * _library.CHANGES_MOST)()
        kinds = {kind.value: kind for kind in ChangeKind}
        with self._use() as handle:
            while True:
                try:
                    count = call("changes", handle, upto, found, len(found), upto)
                except _library.Lost as lost:
                    lost.upto = upto.value
                    raise
                if count == 0:
                    return changes, upto.value
                changes += [Change(each.sequence, each.first, None if each.last == 2**64 - 1 else each.last, each.size,
                                   kinds.get(each.kind, each.kind)) for each in found[:count]]

    def dirty(self) -> List[Run]:
        """The runs of pages that differ from the store."""
        count = 64
        with self._use() as handle:
            while True:
                runs = (_library.Range * count)()
                found = call("dirty", handle, runs, count)
                if found <= count:
                    break
                count = found
        states = {state.value: state for state in PageState}
        return [Run(run.first, run.last, states.get(run.state, run.state)) for run in runs[:found]]

    def stat(self) -> Status:
        """Sizes, times and counters."""
        status = _library.Status()
        with self._use() as handle:
            call("stat", handle, status, ctypes.sizeof(status))
        return _status(status)

    def send(self, socket: Any) -> None:
        """Hands the memory to the process at the other end of a unix socket: an object with fileno(), or a number."""
        with self._use() as handle:
            call("send", handle, _descriptor(socket))


async def _in_thread(wait: Callable[[float], Result], timeout: Optional[float]) -> Result:
    """Waits in a thread, a SLICE at a time, so that it ends soon after the task is cancelled: before that is told."""
    end = None if timeout is None else time.monotonic() + timeout
    cancelled = threading.Event()

    def slices() -> Any:
        while not cancelled.is_set():
            try:
                return wait(SLICE if end is None else min(SLICE, end - time.monotonic()))
            except TimeoutError:
                if end is not None and time.monotonic() >= end:
                    raise

    future: "Awaitable[Any]" = asyncio.get_running_loop().run_in_executor(None, slices)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([future])
        raise


def _descriptor(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


def _options(size: int, reserve: int, atomic: bool, populate: bool) -> _library.Options:
    flags = (_library.OPEN_ATOMIC if atomic else 0) | (_library.OPEN_POPULATE if populate else 0)
    return _library.Options(ctypes.sizeof(_library.Options), size, reserve, flags)


def open(path: Path, flags: int = os.O_RDWR, mode: int = 0o644, *, size: int = 0, reserve: int = 0, atomic: bool = False,
         populate: bool = False) -> File:
    """Opens a file and maps it. flags and mode are os.open()'s; size: bytes it shall have at least; reserve: of address space, to grow;
    atomic: only commits change what is durable; populate: bring all pages in at once."""
    return File(call("open", os.fsencode(path), flags, mode, _options(size, reserve, atomic, populate), path=path))


def fdopen(fd: int, *, size: int = 0, reserve: int = 0, atomic: bool = False, populate: bool = False) -> File:
    """The same for a descriptor, which belongs to the file from then on."""
    return File(call("fdopen", fd, _options(size, reserve, atomic, populate)))


def anonymous(size: int) -> File:
    """Memory without a file: for children made by fork, and for send()."""
    return File(call("anonymous", size))


def receive(socket: Any) -> File:
    """Takes what another process's send() handed over."""
    return File(call("receive", _descriptor(socket)))


def _call_of_all(name: str, files: Iterable[File]) -> Receipt:
    receipt = _library.Receipt()
    with contextlib.ExitStack() as stack:
        handles = [stack.enter_context(file._use()) for file in files]
        call(name, (ctypes.c_void_p * len(handles))(*handles), len(handles), receipt)
    return _receipt(receipt)


def commit(files: Iterable[File]) -> Receipt:
    """Makes all changes of these files durable in one commit: after a crash all are there, or none."""
    return _call_of_all("commit", files)


def rollback(files: Iterable[File]) -> Receipt:
    """Takes back what no commit of these files has, in every mapping of every process. The receipt is of the commit that holds."""
    return _call_of_all("rollback", files)


def guard() -> None:
    """Installs the handler for SIGBUS that File.read() and File.write() need, now instead of at the first use."""
    call("guard")


def version() -> int:
    """The version of the C library: 10000 is 1.0.0."""
    return int(call("version"))
