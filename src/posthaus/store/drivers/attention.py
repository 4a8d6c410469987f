"""What a worker wants to hear of, in memory that its siblings can look into.

A page of octets in a shared file: one for each account it watches (by its number, modulo), and one for waiting for the
writers' lock. A sibling that has committed looks before it rings: waking a worker for nothing costs more than the rest
of the commit (measured: a tenth of a delivery). What stands there may be a moment old; a bell may ring for nothing, and
who begins to watch reads the book after that.

Faults: OSError from make() and look().
"""

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_SLOTS = 16_383
_OCTETS = _SLOTS + 1  # the first is the lock's


class Attention:
    """A worker's own page."""

    def __init__(self, path: str) -> None:
        self.path = path
        fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, _OCTETS)  # a hole, filled when the disk is full, would be our end: SIGBUS
            self._page = mmap.mmap(fd, _OCTETS)
        finally:
            os.close(fd)
        self._counts: dict[int, int] = {}

    def begin(self, account: int) -> None:
        slot = 1 + account % _SLOTS
        self._counts[slot] = self._counts.get(slot, 0) + 1
        self._page[slot] = 1

    def end(self, account: int) -> None:
        slot = 1 + account % _SLOTS
        left = self._counts[slot] - 1
        if left:
            self._counts[slot] = left
        else:
            del self._counts[slot]
            self._page[slot] = 0

    def wants_lock(self, wanted: bool) -> None:
        self._page[0] = wanted

    def close(self) -> None:
        self._page.close()
        Path(self.path).unlink(missing_ok=True)


class Glance:
    """A sibling's page, for looking."""

    def __init__(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._page = mmap.mmap(fd, _OCTETS, prot=mmap.PROT_READ)
        finally:
            os.close(fd)

    def wants_lock(self) -> bool:
        return self._page[0] != 0

    def wants(self, accounts: Iterable[int]) -> list[int]:
        page = self._page
        return [a for a in accounts if page[1 + a % _SLOTS]]

    def close(self) -> None:
        self._page.close()
