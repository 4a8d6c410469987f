"""PostgreSQL in bad times: lost connections, deadlocks, settings that would lose mail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from posthaus.store import account, directory
from posthaus.store.drivers.postgres import PostgresStore
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.store import open_store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Databases, Listener, person


@pytest.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    url = await databases.take()
    yield url
    await databases.give_back(url)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(url, connections=3, patience_s=5)
    yield store
    await store.close()


async def _terminate_all(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname=current_database() AND pid<>pg_backend_pid()"
    )
    await connection.close()


# -- at the start --------------------------------------------------------------------------------------------------


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreDown):
        await open_store(f"postgresql://postgres@/x?host={tmp_path}", tmp_path)
    with pytest.raises(StoreDown):
        await open_store("postgresql://postgres@127.0.0.1:1/x", tmp_path)


async def test_settings_that_would_lose_mail_are_refused(databases: Databases, tmp_path: Path) -> None:
    url = databases.empty()
    databases.server.sql(f"ALTER DATABASE {urlsplit(url).path[1:]} SET synchronous_commit = off")
    with pytest.raises(StoreDown, match="synchronous_commit"):
        await open_store(url, tmp_path)
    databases.server.sql("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
    with pytest.raises(StoreDown, match="UTF8"):
        await open_store(databases.server.url("ascii"), tmp_path)


async def test_workers_that_start_at_once_migrate_once(databases: Databases) -> None:
    url = databases.empty()
    stores = await asyncio.gather(*[PostgresStore.open(url) for _ in range(4)])
    await person(stores[0], "anna")
    for store in stores:
        assert await store.read(account.find, "anna@a.example") is not None
        await store.close()


# -- failures ------------------------------------------------------------------------------------------------------


async def _fail(tx: Tx, state: str, calls: list[int]) -> None:
    calls.append(1)
    await tx.run(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize(
    ("state", "fault", "calls"),
    [
        ("40001", StoreBusy, 6),
        ("40P01", StoreBusy, 6),
        ("55P03", StoreBusy, 1),
        ("53100", StoreFull, 1),
        ("53300", StoreBusy, 1),
        ("57P03", StoreDown, 1),
        ("25006", StoreDown, 1),
        ("58030", StoreDown, 1),
        ("08006", StoreDown, 1),
        ("23505", asyncpg.UniqueViolationError, 1),
        ("42601", asyncpg.PostgresSyntaxError, 1),
    ],
)
async def test_names_of_failures(store: PostgresStore, state: str, fault: type[Exception], calls: int) -> None:
    made: list[int] = []
    with pytest.raises(fault):
        await store.write(_fail, state, made)
    assert len(made) == calls
    await store.write(directory.add_domain, "a.example", NOW)


async def _both(tx: Tx, first: int, second: int, met: asyncio.Barrier, calls: list[int]) -> None:
    calls.append(first)
    await account.advance(tx, first)
    if len(calls) <= 2:
        await met.wait()
    await account.advance(tx, second)


async def test_a_deadlock_is_run_again(store: PostgresStore) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    before = await store.read(account.modseq, anna.id)
    met, calls = asyncio.Barrier(2), list[int]()
    await asyncio.gather(
        store.write(_both, anna.id, ben.id, met, calls), store.write(_both, ben.id, anna.id, met, calls)
    )
    assert len(calls) == 3
    assert await store.read(account.modseq, anna.id) == before + 2


async def _die_at_commit(tx: Tx, calls: list[int]) -> None:
    calls.append(1)
    await tx.run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
    )
    await tx.run(
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON domain DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION die()"
    )
    await directory.add_domain(tx, "a.example", NOW)


async def test_a_connection_lost_at_commit_is_told_and_not_tried_again(store: PostgresStore) -> None:
    calls: list[int] = []
    with pytest.raises(StoreDown):
        await store.write(_die_at_commit, calls)
    assert len(calls) == 1
    await store.write(directory.add_domain, "a.example", NOW)


async def test_lost_connections_are_made_again(store: PostgresStore, url: str) -> None:
    other = await PostgresStore.open(url)
    anna = await person(store, "anna")
    listener = Listener(other, anna.id)
    await listener.hear()
    await _terminate_all(url)
    await asyncio.gather(*[store.write(account.advance, anna.id) for _ in range(5)])
    assert await store.read(account.modseq, anna.id) > 5
    await listener.hear()
    listener.close()
    await other.close()


async def _swallow(tx: Tx) -> None:
    try:
        await tx.run("SELECT 1/0")
    except asyncpg.PostgresError:
        pass


async def test_what_failed_in_secret_is_not_taken_for_kept(store: PostgresStore) -> None:
    with pytest.raises(AssertionError):
        await store.write(_swallow)


# -- the pool ------------------------------------------------------------------------------------------------------


async def _until(tx: Tx, begun: asyncio.Event, go: asyncio.Event) -> None:
    await tx.one("SELECT 1")
    begun.set()
    await go.wait()


async def test_more_callers_than_connections(url: str) -> None:
    store = await PostgresStore.open(url, connections=2, patience_s=0.05)
    go, begun = asyncio.Event(), [asyncio.Event(), asyncio.Event()]
    held = [asyncio.create_task(store.read(_until, b, go)) for b in begun]
    for b in begun:
        await b.wait()
    with pytest.raises(StoreBusy):
        await store.read(directory.domains)
    store._pool._patience_s = 10.0  # on a machine with other work, too
    waiting = asyncio.create_task(store.read(directory.domains))
    await asyncio.sleep(0)
    go.set()
    assert await waiting == []
    await asyncio.gather(*held)
    assert await asyncio.gather(*[store.read(directory.sole_domain) for _ in range(20)]) == [None] * 20
    await store.close()


async def _sleep(tx: Tx, begun: asyncio.Event) -> None:
    begun.set()
    await tx.one("SELECT pg_sleep(60)")


async def test_a_cancelled_read_leaves_its_connection_free(url: str) -> None:
    store = await PostgresStore.open(url, connections=1, patience_s=5)
    for _ in range(3):
        begun = asyncio.Event()
        task = asyncio.create_task(store.read(_sleep, begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await store.read(directory.domains) == []
    await store.close()


async def test_a_read_cancelled_before_it_begins_leaves_no_connection_behind(url: str) -> None:
    store = await PostgresStore.open(url, connections=1, patience_s=5)
    other = await asyncpg.connect(url)
    task = asyncio.create_task(store.read(directory.domains))
    await asyncio.sleep(0)  # BEGIN is on its way
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    name = "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND application_name='posthaus'"
    async with asyncio.timeout(10):
        while await other.fetchval(name):
            pass
    assert await store.read(directory.domains) == []
    await store.close()
    await other.close()


# -- bells ---------------------------------------------------------------------------------------------------------


async def _touch_many(tx: Tx, n: int) -> None:
    for i in range(1, n + 1):
        tx.touch(i, 1_000_000 + i)


async def test_more_bells_than_one_notification_holds(store: PostgresStore, url: str) -> None:
    other = await PostgresStore.open(url)
    last = Listener(other, 3_000)  # there is no such account, so nothing but a bell tells of it
    await store.write(directory.add_domain, "a.example", NOW)
    anna = await person(store, "anna")
    ready = Listener(other, anna.id)
    await ready.hear()  # it listens
    await store.write(_touch_many, 3_000)
    await last.hear()
    await other.close()
