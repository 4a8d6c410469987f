"""Octets in a folder: whole or not at all."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.error import StoreDown, StoreFull


def _files(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file()]


async def test_write_read_remove(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.write("abc", iter([b"01", b"", b"23456789"]))
    assert await blobs.read("abc", 0, 10) == b"0123456789"
    assert await blobs.read("abc", 3, 5) == b"34"
    assert (tmp_path / "ab" / "abc").stat().st_mode & 0o777 == 0o600
    await blobs.remove("abc")
    await blobs.remove("abc")
    assert _files(tmp_path) == []


async def test_a_key_is_used_once(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.write("abc", iter([b"first"]))
    with pytest.raises(StoreDown):
        await blobs.write("abc", iter([b"second"]))
    assert await blobs.read("abc", 0, 5) == b"first"


async def test_what_is_not_there_or_too_short(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await blobs.write("abc", iter([b"12345"]))
    for key, end in (("abc", 6), ("abd", 1)):
        with pytest.raises(StoreDown):
            await blobs.read(key, 0, end)


@pytest.mark.parametrize(
    ("number", "fault"), [(errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EIO, StoreDown)]
)
async def test_half_a_write_is_none(tmp_path: Path, number: int, fault: type[Exception]) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"12345"
        raise OSError(number, "bad disk")

    blobs = DiskBlobs(tmp_path)
    with pytest.raises(fault):
        await blobs.write("abc", pieces())
    assert _files(tmp_path) == []
    await blobs.write("abc", iter([b"1"]))


async def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreDown):
        await DiskBlobs(tmp_path / "file").write("abc", iter([b"1"]))
