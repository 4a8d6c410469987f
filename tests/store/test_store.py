"""What both drivers promise: nobody is answered before COMMIT, each function stands or falls alone, a read is one
snapshot, a cancelled caller cancels nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from posthaus.store import account, directory, message, migrate
from posthaus.store.error import NoSuchAccount, StoreDown
from posthaus.store.message import Placing
from posthaus.store.migrate import SchemaNewer
from posthaus.store.store import Store, open_store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Storehouse, made_up, person


async def _domain_or_fault(tx: Tx, name: str, fault: Exception | None) -> str:
    await directory.add_domain(tx, name, NOW)
    if fault is not None:
        raise fault
    return name


async def _names(store: Store) -> list[str]:
    return [d.name for d in await store.read(directory.domains)]


async def test_what_a_function_raises_undoes_it_alone(store: Store) -> None:
    faults = [ValueError("mine") if i % 3 == 1 else None for i in range(30)]
    calls = [store.write(_domain_or_fault, f"d{i:02}", fault) for i, fault in enumerate(faults)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results == [fault or f"d{i:02}" for i, fault in enumerate(faults)]
    assert await _names(store) == [f"d{i:02}" for i, fault in enumerate(faults) if fault is None]


async def _broken_sql(tx: Tx) -> None:
    await tx.run("INSERT INTO domain (name, catch_all, created) VALUES ('x', '', 1)")
    await tx.run("INSERT INTO domain (name, catch_all, created) VALUES ('x', '', 1)")


async def test_a_constraint_undoes_its_function_alone(store: Store) -> None:
    good, bad, last = await asyncio.gather(
        store.write(directory.add_domain, "a", NOW),
        store.write(_broken_sql),
        store.write(directory.add_domain, "b", NOW),
        return_exceptions=True,
    )
    assert (good, last) == (None, None)
    assert isinstance(bad, Exception)
    with pytest.raises(type(bad)):
        await store.write(_broken_sql)  # alone, too
    assert await _names(store) == ["a", "b"]


async def test_a_cancelled_caller_cancels_nothing(store: Store) -> None:
    task = asyncio.create_task(store.write(directory.add_domain, "a", NOW))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(directory.add_domain, "b", NOW)
    await store.close()
    with pytest.raises(StoreDown):
        await store.write(directory.add_domain, "c", NOW)
    with pytest.raises(StoreDown):
        await store.read(directory.domains)


async def test_closing_waits_for_what_is_under_way(house: Storehouse) -> None:
    store = await house.open()
    task = asyncio.create_task(store.write(directory.add_domain, "a", NOW))
    await asyncio.sleep(0)
    await store.close()
    await task
    assert await _names(await house.open()) == ["a"]


async def test_writes_of_two_workers_interleave_without_loss(house: Storehouse) -> None:
    workers = [await house.open() for _ in range(3)]
    anna, ben = await person(workers[0], "anna"), await person(workers[0], "ben")
    both = [Placing(p.id, p.inbox, 0) for p in (anna, ben)]

    async def deliver(store: Store, turn: int) -> list[int]:
        placings = both if turn % 2 else both[::-1]
        return [p.uid for p in await store.write(message.deliver, made_up(str(turn)), placings, NOW)]

    placed = await asyncio.gather(*[deliver(store, i) for i in range(30) for store in workers])
    assert sorted(first for first, _ in placed) == list(range(1, 91))
    row = await workers[1].read(account.get, anna.id)
    assert row.used_messages == 90


async def _read_twice(tx: Tx, between: Callable[[], Awaitable[None]]) -> tuple[object, object]:
    first = await tx.one("SELECT count(*) FROM domain")
    await between()
    return first, await tx.one("SELECT count(*) FROM domain")


async def test_a_read_is_one_snapshot(house: Storehouse) -> None:
    if house.kind == "sqlite":
        pytest.skip("a read never suspends there")
    store = await house.open()

    async def another_writes() -> None:
        await store.write(directory.add_domain, "a", NOW)

    first, second = await store.read(_read_twice, another_writes)
    assert first == second == (0,)
    assert await _names(store) == ["a"]


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreDown):
        await store.read(directory.add_domain, "a", NOW)
    with pytest.raises(StoreDown):
        await store.scan(directory.add_domain, "a", NOW)
    with pytest.raises(NoSuchAccount):  # its own faults come through, and it reads on
        await store.read(account.get, 1)
    assert await _names(store) == []


async def test_a_scan_sees_what_any_worker_has_written(house: Storehouse) -> None:
    first, second = await house.open(), await house.open()
    for name, writer in (("a", first), ("b", second), ("c", first)):
        await writer.write(directory.add_domain, name, NOW)
        for store in (first, second):
            assert (await store.scan(directory.domains))[-1].name == name


async def _later(tx: Tx, house: Storehouse) -> None:
    await tx.run("PRAGMA user_version=999" if house.kind == "sqlite" else "UPDATE meta SET value=999")


async def test_a_store_of_a_later_release_is_refused(tmp_path: Path, house: Storehouse) -> None:
    store = await house.open()
    if house.kind == "postgres":
        await store.write(_later, house)
        with pytest.raises(SchemaNewer):
            await open_store(house.url, tmp_path)
        await store.write(_earlier)
    else:
        other = Storehouse("sqlite", house.url, tmp_path / "other")
        await (await other.open()).write(_later, house)
        with pytest.raises(SchemaNewer):
            await other.open()
        await other.close()


async def _earlier(tx: Tx) -> None:
    await tx.run("UPDATE meta SET value=$1", migrate.migrations(migrate.POSTGRES)[-1][0])
