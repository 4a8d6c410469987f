"""SIGKILL while mail goes out: nothing is lost, what was in the air is sent twice at most, and nothing else is.

A real server in processes of its own sends to a host in this one, which counts what it has taken. All processes are
killed at once at odd moments; the store must be sound then, and the rest must arrive after the next start.
"""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import apsw
import pytest

from posthaus.base import limit
from posthaus.base.setting import read_settings
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import queue, smarthost
from posthaus.store.drivers.sqlitefile import FILE_NAME
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.smarthost import Kind as ScopeKind
from posthaus.store.smarthost import Scope, Smarthost
from posthaus.store.store import Store, open_store
from posthaus.store.tx import Tx
from posthaus.testing.process import ServerProcess
from posthaus.testing.remote import Remote, remote_mx
from posthaus.testing.storehouse import Databases, made_up

MESSAGES = 200
KILLS_AT = (1, 37, 90, 140)  # messages taken
_SOON_S = 60.0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_message_is_lost(tmp_path: Path) -> None:
    await survives(ServerProcess(tmp_path / "house", {}), tmp_path / "house")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_message_is_lost_on_postgresql(databases: Databases, tmp_path: Path) -> None:
    await survives(ServerProcess(tmp_path / "house", {}, store=databases.empty()), tmp_path / "house")


async def survives(server: ServerProcess, folder: Path) -> None:
    settings = read_settings(folder)
    async with remote_mx() as mx:
        store = await open_store(settings.store.url, folder / settings.store.folder)
        try:
            await store.write(
                smarthost.add, Smarthost("sink", mx.host, mx.port, "none"), [Scope(ScopeKind.ALL)], int(time.time())
            )
            for n in range(MESSAGES):
                await put(store, n)
            for n in KILLS_AT:
                await asyncio.to_thread(server.start)
                await taken(mx, n)
                await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.run, "verify")
            await asyncio.to_thread(server.start)
            await emptied(store)
            await asyncio.to_thread(server.stop)
        finally:
            await store.close()
            await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.run, "verify")
    times = Counter(number(one.octets) for one in mx.messages)
    assert set(times) == set(range(MESSAGES))
    twice = sum(n - 1 for n in times.values())
    assert twice <= len(KILLS_AT) * limit.QUEUE_CONNECTIONS_MOST * limit.QUEUE_SETTLE_PARCELS
    assert max(times.values()) <= 1 + len(KILLS_AT)
    assert "defect" not in server.log()


async def test_killed_between_the_hosts_250_and_our_commit(tmp_path: Path) -> None:
    """The host has it, and we do not know: it is sent once more, once, and nobody is told of anything."""
    server = ServerProcess(tmp_path / "house", {"anna@example.test": "secret"})
    folder = server.folder / read_settings(server.folder).store.folder
    async with remote_mx() as mx:
        store = await open_store("sqlite:", folder)
        try:
            sink = Smarthost("sink", mx.host, mx.port, "none")
            await store.write(smarthost.add, sink, [Scope(ScopeKind.ALL)], int(time.time()))
            await put(store, 1)
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(_SOON_S):
                while not mx.commands:  # noqa: ASYNC110  (the host has no event; it answers in this loop)
                    await asyncio.sleep(0)
            stranger = apsw.Connection(str(folder / FILE_NAME))
            stranger.set_busy_timeout(10_000)
            stranger.execute("BEGIN IMMEDIATE")  # from now on nothing is committed
            try:
                await taken(mx, 1)
                await asyncio.to_thread(server.kill)
            finally:
                stranger.execute("ROLLBACK")
                stranger.close()
            assert await store.read(_left) == 1
            await asyncio.to_thread(server.run, "verify")
            await asyncio.to_thread(server.start)
            await emptied(store)
            await asyncio.to_thread(server.stop)
        finally:
            await store.close()
            await asyncio.to_thread(server.kill)
    assert [number(one.octets) for one in mx.messages] == [1, 1]
    await asyncio.to_thread(server.run, "verify")
    assert "defect" not in server.log() and "queue.failed" not in server.log()


def number(octets: bytes) -> int:
    found = re.search(rb"Subject: message (\d+)", octets)
    assert found is not None
    return int(found[1])


async def put(store: Store, n: int) -> None:
    now = int(time.time())
    errand = NewErrand(Recipient(Address(f"b{n}", "b.test")), "smarthost/sink", now)
    parcel = NewParcel(made_up(f"message {n}"), Envelope(Address("anna", "example.test")), f"t{n}", 0, now + 86_400, 0)
    await store.write(queue.enqueue, parcel, [errand], now)


async def taken(mx: Remote, n: int) -> None:
    async with asyncio.timeout(_SOON_S):
        while len(mx.messages) < n:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def emptied(store: Store) -> None:
    async with asyncio.timeout(_SOON_S):
        while await store.read(_left):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _left(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand")
    return 0 if row is None else int(row[0])
