"""The spool: memory first, then a file; size and hash as the octets come."""

import errno
from pathlib import Path

import pytest

from posthaus.flow.spool import Spool, SpoolDown, SpoolFull, spool_of


@pytest.mark.parametrize("sizes", [[], [1], [10], [5, 5], [11], [5, 5, 5], [100, 1, 100], [1] * 50])
async def test_octets_come_back(tmp_path: Path, sizes: list[int]) -> None:
    spool = Spool(tmp_path, memory_octets=10)
    content = b""
    for number, size in enumerate(sizes):
        piece = bytes([number % 256]) * size
        content += piece
        if spool.add(piece):
            await spool.flush()
    assert bytes(await spool.octets()) == content
    assert spool.size == len(content)
    assert isinstance(await spool.octets(), bytes) is (len(content) <= 10)  # a view is of the file
    assert list(tmp_path.iterdir()) == []
    spool.close()


async def test_one_piece_in_memory_is_not_copied(tmp_path: Path) -> None:
    piece = b"x" * 1_000
    spool = await spool_of(tmp_path)
    spool.add(piece)
    assert await spool.octets() is piece


async def test_a_view_outlives_the_spool(tmp_path: Path) -> None:
    spool = await spool_of(tmp_path, b"x" * 100, memoryview(b"y" * 100), memory_octets=10)
    view = await spool.octets()
    spool.close()
    assert bytes(view) == b"x" * 100 + b"y" * 100


async def test_faults_are_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpoolDown):
        await spool_of(tmp_path / "missing", b"x" * 100, memory_octets=10)

    class Full(Spool):
        def _write(self, pieces: list[bytes]) -> None:
            raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(SpoolFull):
        await Full(tmp_path).flush()
