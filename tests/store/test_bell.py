"""Bells: rung for every worker of the house, and made up for where they were lost."""

import asyncio
import sys

import pytest

from posthaus.store import account
from posthaus.store.bell import Bells
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import Listener, Storehouse, person


def test_only_those_who_watch_are_rung() -> None:
    rung: list[str] = []
    bells = Bells()
    first = bells.watch(1, lambda: rung.append("1a"))
    second = bells.watch(1, lambda: rung.append("1b"))
    bells.watch(2, lambda: rung.append("2"))
    bells.ring({1: 5, 3: 7})
    assert rung == ["1a", "1b"]
    assert bells.heard() == [(1, 5), (2, 0)]
    bells.ring({1: 4})  # an old bell comes late
    assert bells.heard() == [(1, 5), (2, 0)]
    first.close()
    first.close()
    second.close()
    bells.ring({1: 6})
    assert rung == ["1a", "1b"] * 2
    assert bells.heard() == [(2, 0)]


async def test_who_is_rung_may_leave() -> None:
    bells = Bells()
    watchers = [bells.watch(1, lambda: watchers[1].close()) for _ in range(3)]
    bells.ring({1: 1})
    assert len(bells.heard()) == 1


async def test_bells_ring_across_workers(house: Storehouse) -> None:
    one, other = await house.open(), await house.open()
    anna, ben = await person(one, "anna"), await person(one, "ben")
    here, there, else_ = Listener(one, anna.id), Listener(other, anna.id), Listener(other, ben.id)
    await else_.hear()  # whoever comes new is rung at the first look
    await there.hear()
    for _ in range(3):  # the second of two quick ones as well
        await one.write(account.advance, anna.id)
        await here.hear()
        await there.hear()
    assert not else_.rung.is_set()


async def _quietly(tx: Tx, who: int) -> None:
    await tx.run("UPDATE account SET modseq=modseq+1 WHERE id=$1", who)  # as if its bell were lost


async def test_a_lost_bell_is_made_up_for(house: Storehouse) -> None:
    one, other = await house.open(), await house.open()
    anna = await person(one, "anna")
    here, there = Listener(one, anna.id), Listener(other, anna.id)
    await there.hear()
    here.rung.clear()
    await one.write(_quietly, anna.id)
    await there.hear()
    here.close()
    there.close()


_OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from posthaus.store import account
from posthaus.store.store import open_store

async def main(url, folder, who, n):
    store = await open_store(url, Path(folder))
    rung = asyncio.Event()
    store.watch(int(who), rung.set)
    print("ready", flush=True)
    async with asyncio.timeout(20):
        await rung.wait()
    for _ in range(int(n)):
        await store.write(account.advance, int(who))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def _modseq(store: Store, who: int) -> int:
    return await store.read(account.modseq, who)


@pytest.mark.parametrize("writes", [50])
async def test_two_processes(house: Storehouse, writes: int) -> None:
    store = await house.open()
    anna = await person(store, "anna")
    start = await _modseq(store, anna.id)
    listener = Listener(store, anna.id)
    command = [sys.executable, "-c", _OTHER_PROCESS, house.url, str(house.folder), str(anna.id), str(writes)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    await asyncio.gather(*[store.write(account.advance, anna.id) for _ in range(writes)])  # it hears, and writes too
    async with asyncio.timeout(30):
        while await _modseq(store, anna.id) < start + 2 * writes:
            await listener.hear()
        assert await process.wait() == 0
    assert await _modseq(store, anna.id) == start + 2 * writes
