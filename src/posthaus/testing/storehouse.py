"""Stores for tests: an empty one on either driver, people in it, made-up messages, and whether it is sound at the end.

A test folder's conftest.py imports the fixtures from here; a test that asks for `house` or `store` then runs on SQLite
and, where a server can be started, on PostgreSQL. When it is over, the store must keep all its invariants.

Standards: none.
Faults:    NoServer is a skipped test.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from posthaus.mail.prepared import Prepared
from posthaus.store import account, directory
from posthaus.store.error import StoreDown
from posthaus.store.message import Content
from posthaus.store.store import Store, Watch, open_store
from posthaus.store.verify import verify
from posthaus.testing.postgres import NoServer, Server, running_server

NOW = 1_700_000_000
DOMAIN = "a.example"
_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name TEXT; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'meta' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""
_BELL_S = 10.0  # a bell that is not heard by then is lost for good


class Storehouse:
    """A place for one store, which any number of workers may open."""

    def __init__(self, kind: str, url: str, folder: Path) -> None:
        self.kind = kind
        self.url = url
        self.folder = folder
        self._open: list[Store] = []

    async def open(self) -> Store:
        """One more worker."""
        store = await open_store(self.url, self.folder)
        self._open.append(store)
        return store

    async def close(self) -> list[str]:
        """All workers; what was broken in the store, which ought to be nothing."""
        if not self._open:
            await self.open()
        try:
            broken = await self._open[-1].read(verify)
        except StoreDown:  # closed by the test
            broken = await (await self.open()).read(verify)
        for store in self._open:
            await store.close()
        self._open.clear()
        return broken


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    inbox: int
    key: str


async def person(store: Store, name: str, domain: str = DOMAIN, quota_octets: int = 0) -> Person:
    """An account, and its domain where it is the first there."""
    if not await store.read(directory.domain_exists, domain):
        await store.write(directory.add_domain, domain, NOW)
    key = f"{name}@{domain}"
    made = await store.write(account.create, key, key, domain, {"argon2": b"x"}, quota_octets, NOW)
    return Person(made, (await store.read(account.get, made)).inbox, key)


def made_up(words: str = "hello", *, prefix: bytes = b"", body: bytes | None = None, blob: int = 0) -> Content:
    """A message that no scan has seen; enough for all that the store does."""
    head = b"Subject: " + words.encode("utf-8", "replace") + b"\r\n\r\n"
    body = words.encode("utf-8", "replace") + b"\r\n" if body is None else body
    prepared = Prepared(
        size_octets=len(head) + len(body), head_octets=len(head),
        version=1, structure=b"s", envelope=b"(e)", bodystructure=b"(b)", fields=head[:-2], field_index=b"i",
        preview=words[:256], subject=words, base_subject=words.upper(), message_id="1@a.example",
        references=("0@a.example",), sender="Anna <anna@a.example>", recipients="Ben <ben@a.example>", sent_at=NOW,
        has_attachment=False,
    )  # fmt: skip
    return Content(prepared, prefix, head, b"" if blob else body, 0, blob)


class Listener:
    """Somebody who hears an account's bell."""

    def __init__(self, store: Store, account_id: int) -> None:
        self.rung = asyncio.Event()
        self._watch: Watch = store.watch(account_id, self.rung.set)

    async def hear(self) -> None:
        """The next bell."""
        async with asyncio.timeout(_BELL_S):
            await self.rung.wait()
        self.rung.clear()

    def close(self) -> None:
        self._watch.close()


# -- fixtures ------------------------------------------------------------------------------------------------------


class Databases:
    """One server for all tests of a run; a migrated database for each test, made once and emptied for the next."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._spare: list[str] = []

    async def take(self) -> str:
        if self._spare:
            return self._spare.pop()
        url = self.empty()
        await (await open_store(url, Path())).close()
        return url

    def empty(self) -> str:
        """A database without tables."""
        return self.server.create(f"test{next(self._numbers)}")

    async def give_back(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(_EMPTY)
        await connection.close()
        self._spare.append(url)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    try:
        with running_server() as server:
            yield Databases(server)
    except NoServer as e:
        pytest.skip(str(e))


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storehouse]:
    """On each driver in turn."""
    kind: str = request.param
    databases: Databases | None = request.getfixturevalue("databases") if kind == "postgres" else None
    url = await databases.take() if databases is not None else "sqlite:"
    here = Storehouse(kind, url, tmp_path / "store")
    yield here
    assert await here.close() == []
    if databases is not None:
        await databases.give_back(url)


@pytest.fixture
async def store(house: Storehouse) -> Store:
    return await house.open()
