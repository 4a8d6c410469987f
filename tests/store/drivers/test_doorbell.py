"""Bells between processes: told to all who live and want to hear, whatever lies about."""

import asyncio
import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from posthaus.store.drivers.doorbell import Doorbell


class Ear:
    """What one doorbell heard."""

    def __init__(self, folder: Path, wanted: Iterable[int] = range(10)) -> None:
        self.heard: dict[int, int] = {}
        self.bell = asyncio.Event()
        self.doorbell = Doorbell(folder, self._rung)
        for account in wanted:
            self.doorbell.attention.begin(account)

    def _rung(self, touched: Mapping[int, int]) -> None:
        self.heard.update(touched)
        self.bell.set()

    async def hear(self) -> dict[int, int]:
        async with asyncio.timeout(10):
            await self.bell.wait()
        self.bell.clear()
        heard, self.heard = self.heard, {}
        return heard


@pytest.mark.parametrize("depth", [0, 8])
async def test_all_others_are_rung(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-rather-deep-folder"] * depth)
    ears = [Ear(folder) for _ in range(3)]
    ears[0].doorbell.send({1: 5, 2: 6})
    assert [await ear.hear() for ear in ears[1:]] == [{1: 5, 2: 6}] * 2
    assert ears[0].heard == {}
    late = Ear(folder)
    ears[1].doorbell.close()
    ears[0].doorbell.send({3: 7})
    assert [await ear.hear() for ear in (ears[2], late)] == [{3: 7}] * 2
    late.doorbell.attention.wants_lock(True)
    ears[0].doorbell.send({})  # "the lock is free"
    assert await late.hear() == {}
    assert ears[2].heard == {}
    for ear in (ears[0], ears[2], late):
        ear.doorbell.close()
    assert list(folder.iterdir()) == []


async def test_sockets_of_the_dead_are_taken_away(tmp_path: Path) -> None:
    names = [f"bell.{os.getpid()}.0", "bell.999999999.0"]
    for name in names:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(tmp_path / name))
    (tmp_path / "bell.readme.txt").write_text("no socket")
    one, other = Ear(tmp_path), Ear(tmp_path)
    one.doorbell.send({1: 2})
    assert await other.hear() == {1: 2}
    assert not (tmp_path / names[1]).exists()
    one.doorbell.close()
    other.doorbell.close()


async def test_strange_octets_are_passed_over(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"hello 1:x :: \xff:3 5:6:7 8:9 8:4", str(next(tmp_path.glob("bell.*"))))
    assert await ear.hear() == {8: 9}
    ear.doorbell.close()


async def test_a_deaf_one_holds_nobody_up(tmp_path: Path) -> None:
    one = Ear(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / f"bell.{os.getpid()}.77"))
        for i in range(1_000):
            one.doorbell.send({1: i})
    one.doorbell.send(dict.fromkeys(range(10_000), 1))
    one.doorbell.close()


async def test_only_who_wants_to_hear_is_rung(tmp_path: Path) -> None:
    one, other, third = Ear(tmp_path), Ear(tmp_path, [4, 4, 5]), Ear(tmp_path, [6])
    one.doorbell.send({4: 1, 6: 1})
    assert await other.hear() == {4: 1}
    assert await third.hear() == {6: 1}
    other.doorbell.attention.end(4)
    one.doorbell.send({4: 2})
    assert await other.hear() == {4: 2}  # watched twice, left once
    other.doorbell.attention.end(4)
    one.doorbell.send({4: 3, 6: 3})
    one.doorbell.send({5: 3})
    assert await other.hear() == {5: 3}
    for ear in (one, other, third):
        ear.doorbell.close()


async def test_more_than_one_datagram_holds(tmp_path: Path) -> None:
    one, other = Ear(tmp_path), Ear(tmp_path, range(10_000))
    one.doorbell.send({i: 10**9 + i for i in range(10_000)})
    heard = await other.hear()
    assert len(heard) > 100 and all(modseq == 10**9 + i for i, modseq in heard.items())
    one.doorbell.close()
    other.doorbell.close()
