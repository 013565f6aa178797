"""The locks of a file."""
import contextlib
import errno
from typing import Callable, Iterator, Optional

from . import _library
from ._file import File
from ._library import call, moment


class Lock:
    """One of a file's locks, between all threads of all processes. Used like threading.Lock: `with lock:`.

    When an owner died with it, what it guards may be half done. repair() then runs with the lock held alone, also before a share is
    given, and after it all is in order. If it raises, or there is none, the lock is given back and stays in doubt for the next;
    without one, OwnerDied is raised. So nobody goes on with half of a change by mistake.

    A lock belongs to the thread that took it: in asyncio, take and release it without an await between.
    """

    def __init__(self, file: File, number: int = 0, repair: Optional[Callable[[], object]] = None) -> None:
        self._file, self._number, self._repair = file, number, repair

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes it alone. False: others have it, and it should not wait, or not longer than timeout seconds."""
        return self._acquire(0 if blocking else _library.LOCK_TRY, _deadline(timeout))

    def acquire_shared(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes a share, which many may have while nobody has it alone."""
        return self._acquire(_library.LOCK_SHARED | (0 if blocking else _library.LOCK_TRY), _deadline(timeout))

    def release(self) -> None:
        """Gives it back, or a share of it."""
        with self._file._use() as handle:
            call("unlock_at", handle, self._number)

    def __enter__(self) -> "Lock":
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @contextlib.contextmanager
    def shared(self) -> Iterator["Lock"]:
        """`with lock.shared():` has a share."""
        self.acquire_shared()
        try:
            yield self
        finally:
            self.release()

    def _acquire(self, flags: int, deadline: Optional[_library.Timespec]) -> bool:
        while True:
            try:
                with self._file._use() as handle:
                    owner_died = call("lock_at", handle, self._number, flags, deadline)
            except OSError as failure:
                if failure.errno in (errno.EBUSY, errno.ETIMEDOUT):
                    return False
                raise
            if not owner_died:
                return True
            if not flags & _library.LOCK_SHARED:
                self._put_in_order()
                return True
            self.release()  # with a share nothing can be put in order
            if not self._acquire(flags & ~_library.LOCK_SHARED, deadline):
                return False
            self.release()

    def _put_in_order(self) -> None:
        try:
            if self._repair is None:
                raise _library.error(errno.EOWNERDEAD)
            self._repair()
            with self._file._use() as handle:
                call("consistent_at", handle, self._number)
        except BaseException:
            self.release()
            raise


def _deadline(timeout: float) -> Optional[_library.Timespec]:
    return moment(None if timeout == -1 else timeout)
