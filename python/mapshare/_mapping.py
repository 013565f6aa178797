"""mmap(2), munmap(2) and msync(2) with each flag checked and each error defined."""
import mmap
from typing import Optional, Tuple

from . import _library
from ._library import call
from ._memory import Memory


class Mapping(Memory):
    """Memory of mapshare_mmap(3). prot and flags are those of the module mmap, or of mmap(2)."""

    def __init__(self, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0, address: Optional[int] = None) -> None:
        super().__init__()
        self._length = length
        self._readable, self._writable = bool(prot & mmap.PROT_READ), bool(prot & mmap.PROT_WRITE)
        self._handle = call("mmap", address, length, prot, flags, fd, offset)

    def __enter__(self) -> "Mapping":
        return self

    def _place(self) -> Tuple[int, int]:
        if not self._readable:
            raise ValueError("it is not mapped for reading")
        assert self._handle is not None
        return self._handle, self._length

    def _unmap(self, handle: int) -> None:
        call("munmap", handle, self._length)

    def __len__(self) -> int:
        return self._length

    def sync(self, flags: int = _library.MS_SYNC) -> None:
        """Makes its changes durable, on a mount in one commit."""
        with self._use() as address:
            call("msync", address, self._length, flags)
