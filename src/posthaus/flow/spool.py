"""The octets of one message as they come: in memory up to a limit, then in a file without a name.

The size is kept as the octets come in. add() never waits; where it says so, flush() writes what has gathered
in a thread, so a large message does not hold up the loop. The file is unlinked from the start: a crash leaves nothing.

Standards: none.
Faults:    SpoolFull, SpoolDown (Trouble).
"""

import asyncio
import errno
import mmap
import tempfile
from pathlib import Path
from typing import IO

from posthaus.base import limit
from posthaus.base.error import Trouble

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SpoolFull(Trouble):
    """No space for this message. 452 4.3.1."""


class SpoolDown(Trouble):
    """The spool's folder cannot be written or read. 451 4.3.0."""


class Spool:
    """One message. close() when it is kept or refused; the octets are gone then."""

    __slots__ = ("_busy", "_closed", "_file", "_folder", "_gathered", "_map", "_memory", "_pieces", "size")

    def __init__(self, folder: Path, memory_octets: int = limit.SPOOL_MEMORY_OCTETS) -> None:
        self.size = 0
        self._folder = folder
        self._memory = memory_octets
        self._pieces: list[bytes] = []
        self._gathered = 0  # octets in pieces
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._busy = False  # a thread writes
        self._closed = False

    def add(self, octets: bytes) -> bool:
        """More octets; True when flush() is due before the next ones."""
        self._pieces.append(octets)
        self._gathered += len(octets)
        self.size += len(octets)
        return self._gathered > self._memory

    async def flush(self) -> None:
        """Write what has gathered. A fault leaves the spool unusable: close() it and say 452 at the end of data."""
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        self._busy = True
        try:
            await asyncio.to_thread(self._write, pieces)
        except OSError as fault:
            raise _trouble(fault) from fault

    async def octets(self) -> bytes | memoryview:
        """The whole message: bytes from memory, or a view of the file."""
        if self._file is None:
            if len(self._pieces) > 1:
                self._pieces = [b"".join(self._pieces)]
            return self._pieces[0] if self._pieces else b""
        if self._pieces:
            await self.flush()
        if self._map is None:
            try:
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as fault:
                raise _trouble(fault) from fault
        return memoryview(self._map)

    def close(self) -> None:
        self._pieces = []
        mapped, self._map = self._map, None
        if mapped is not None:
            try:
                mapped.close()
            except BufferError:
                pass  # a view of it is still held; the last one takes the map with it
        self._closed = True
        # A session may be cancelled while its thread writes: closed now, the descriptor's number could be another
        # connection's before the write gets to it. The thread closes then.
        if not self._busy and self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, pieces: list[bytes]) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  (close() does)
            left = b"".join(pieces)
            while left:
                left = left[self._file.write(left) :]
        finally:
            self._busy = False
            if self._closed and self._file is not None:
                self._file.close()


async def spool_of(folder: Path, *pieces: bytes | memoryview, memory_octets: int = limit.SPOOL_MEMORY_OCTETS) -> Spool:
    """A spool filled with octets that are there already."""
    spool = Spool(folder, memory_octets)
    for piece in pieces:
        for at in range(0, len(piece), memory_octets):
            if spool.add(bytes(piece[at : at + memory_octets])):
                await spool.flush()
    return spool


def _trouble(fault: OSError) -> Trouble:
    return (SpoolFull if fault.errno in _FULL else SpoolDown)(str(fault))
