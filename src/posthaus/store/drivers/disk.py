"""Large octets in a folder: FOLDER/ab/abcdef..., each written once, synced, never changed.

Standards: none.
Faults:    StoreFull, StoreDown.
"""

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from posthaus.store.error import StoreDown, StoreFull


class DiskBlobs:
    """A BlobStore; work on files happens in threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key

    async def write(self, key: str, pieces: Iterator[bytes]) -> None:
        try:
            await asyncio.to_thread(self._write, self._path(key), pieces)
        except OSError as e:
            full = e.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            raise (StoreFull if full else StoreDown)(str(e)) from e

    def _write(self, path: Path, pieces: Iterator[bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        for folder in (path.parent, self._folder):  # the name is as much a promise as the octets
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    async def read(self, key: str, start: int, end: int) -> bytes:
        try:
            return await asyncio.to_thread(self._read, self._path(key), start, end)
        except OSError as e:
            raise StoreDown(str(e)) from e

    def _read(self, path: Path, start: int, end: int) -> bytes:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            octets = os.pread(fd, end - start, start)
        finally:
            os.close(fd)
        if len(octets) != end - start:
            raise StoreDown(f"{path.name} is shorter than its row says")
        return octets

    async def remove(self, key: str) -> None:
        try:
            await asyncio.to_thread(self._path(key).unlink, missing_ok=True)
        except OSError as e:
            raise StoreDown(str(e)) from e
