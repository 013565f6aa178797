"""Descriptors that are readable when something has happened to a file."""
import asyncio
import ctypes
import os
from typing import NamedTuple, Optional

from . import _library


class Event(NamedTuple):
    """What has happened to a file."""

    sequence: int  # of its last commit
    notices: int  # counted from some number on


class Events:
    """What happens to a file, from File.events(): something to select on (fileno()), or to wait for in asyncio. A context manager, which
    closes it. The file need not stay open for it.

    async for event in events: one for all that happened since the last.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Readable when something has happened; -1 once it is closed."""
        return self._fd

    def read(self) -> Optional[Event]:
        """What has happened since the last time; None: nothing. Does not wait."""
        try:
            c = _library.Event.from_buffer_copy(os.read(self._fd, ctypes.sizeof(_library.Event)))
        except BlockingIOError:
            return None
        return Event(c.sequence, c.notices)

    async def wait(self) -> Event:
        """What happens next, or has happened already. One task at a time may wait."""
        loop = asyncio.get_running_loop()
        while True:
            event = self.read()
            if event:
                return event
            ready = loop.create_future()
            loop.add_reader(self._fd, lambda ready=ready: ready.done() or ready.set_result(None))
            try:
                await ready
            finally:
                loop.remove_reader(self._fd)

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        return await self.wait()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
