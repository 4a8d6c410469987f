"""The index of texts in PostgreSQL: the texts in a table of their own, found by pg_trgm.

Its tables are no part of the numbered schema, for they can be thrown away. Whoever holds an advisory lock adds; the
lock goes with his connection. Where the database has no pg_trgm and we may not make it, there is no index.

Standards: none.
Faults:    StoreDown, StoreFull, StoreBusy.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from posthaus.base import limit
from posthaus.base.task import end_tasks
from posthaus.store.drivers.postgreslink import FAULTS, Connection, connect, hang_up, translated
from posthaus.store.textindex import VERSION, Candidates, Entry, NoIndex, TextIndex

T = TypeVar("T")

_ADD_LOCK = 0x706F7375  # one worker of all adds
_MAKE_LOCK = 0x706F7376
_TABLES = (
    "DROP TABLE IF EXISTS text_word, text_state",
    'CREATE TABLE text_word (message BIGINT PRIMARY KEY, words TEXT COLLATE "C")',  # NULL: too long to be kept
    "CREATE INDEX text_word_trigram ON text_word USING gin (words gin_trgm_ops)",
    "CREATE INDEX text_word_long ON text_word (message) WHERE words IS NULL",
    "CREATE TABLE text_state (version BIGINT PRIMARY KEY, upto BIGINT NOT NULL)",
)
_NOT_OURS_TO_MAKE = (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFileError, asyncpg.FeatureNotSupportedError)


async def open_index(url: str) -> TextIndex:
    try:
        connection = await connect(url, "posthaus index")
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _MAKE_LOCK)
            await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            if await connection.fetchval("SELECT to_regclass('text_state')") is None or await _upto(connection) is None:
                await _begin_anew(connection)
        finally:
            await hang_up(connection)
    except _NOT_OURS_TO_MAKE:
        return NoIndex()
    except FAULTS as e:
        raise translated(e) from e
    return PostgresIndex(url)


class PostgresIndex:
    """See the head of this module."""

    late_s = limit.INDEX_LATE_S

    def __init__(self, url: str) -> None:
        self._adding = _Line(url)
        self._seeking = _Line(url)
        self._owner: Connection | None = None  # the connection that holds the lock

    async def own(self) -> bool:
        async def take(connection: Connection) -> bool:
            if self._owner is not connection:
                taken = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADD_LOCK)
                self._owner = connection if taken else None
            return self._owner is connection

        return await self._adding.run(take)

    async def upto(self) -> int:
        return await self._seeking.run(_upto) or 0

    async def add(self, entries: Sequence[Entry], upto: int) -> None:
        rows = [(e.message, None if e.text is None else _kept(e.text)) for e in entries]

        async def add(connection: Connection) -> None:
            async with connection.transaction():
                await connection.executemany(
                    "INSERT INTO text_word VALUES ($1, $2) ON CONFLICT (message) DO UPDATE SET words=excluded.words",
                    rows,
                )
                await connection.execute("UPDATE text_state SET upto=$1", upto)

        await self._adding.run(add)

    async def candidates(self, account: int, needles: Sequence[str], borrowed: Sequence[int] = ()) -> Candidates:
        """Who holds what is asked of the store, so nobody else's mail needs to be looked through."""
        sql = (
            "SELECT w.message FROM text_word w WHERE (w.words LIKE $2 OR w.words IS NULL)"
            " AND EXISTS (SELECT 1 FROM email e WHERE e.message=w.message AND e.account=$1)"
        )

        async def seek(connection: Connection) -> Candidates:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                upto = await _upto(connection) or 0
                found = {n: await connection.fetch(sql, account, _pattern(n)) for n in needles}
            return Candidates(upto, {needle: frozenset(row[0] for row in rows) for needle, rows in found.items()})

        return await self._seeking.run(seek)

    async def texts(self, messages: Sequence[int]) -> dict[int, str]:
        sql = "SELECT message, words FROM text_word WHERE message=ANY($1::bigint[]) AND words IS NOT NULL"

        async def read(connection: Connection) -> dict[int, str]:
            return {row[0]: _made(row[1]) for row in await connection.fetch(sql, list(messages))}

        return await self._seeking.run(read)

    async def kept(self, after: int, most: int) -> list[int]:
        sql = "SELECT message FROM text_word WHERE message>$1 ORDER BY message LIMIT $2"

        async def read(connection: Connection) -> list[int]:
            return [row[0] for row in await connection.fetch(sql, after, most)]

        return await self._seeking.run(read)

    async def forget(self, messages: Sequence[int]) -> None:
        async def forget(connection: Connection) -> None:
            await connection.execute("DELETE FROM text_word WHERE message=ANY($1::bigint[])", list(messages))

        await self._adding.run(forget)

    async def clear(self) -> None:
        async def clear(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute("TRUNCATE text_word")
                await connection.execute("UPDATE text_state SET upto=0")

        await self._adding.run(clear)

    async def close(self) -> None:
        await self._adding.close()
        await self._seeking.close()


class _Line:
    """One connection, made when it is wanted and again when it was lost; its users wait for each other."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._turn:
            working = asyncio.get_running_loop().create_task(self._work(work))
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                # A task of its own, because asyncpg eats the cancellation of an executemany that waits for its socket,
                # and answers others with a fault: what ends the work is that its connection is cut.
                if self._connection is not None:
                    self._connection.terminate()
                await end_tasks([working])
                raise

    async def _work(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._url, "posthaus index")
            return await work(self._connection)
        except FAULTS as e:
            error = translated(e, self._connection)
            if error is e:
                raise
            raise error from e

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            await hang_up(self._connection)


async def _begin_anew(connection: Connection) -> None:
    async with connection.transaction():
        for statement in _TABLES:
            await connection.execute(statement)
        await connection.execute("INSERT INTO text_state VALUES ($1, 0)", VERSION)


async def _upto(connection: Connection) -> int | None:
    """None where the texts are of another version."""
    upto: int | None = await connection.fetchval("SELECT upto FROM text_state WHERE version=$1", VERSION)
    return upto


def _pattern(needle: str) -> str:
    for special in "\\%_":
        needle = needle.replace(special, "\\" + special)
    return f"%{needle}%"


# PostgreSQL's text has no NUL, which divides header and parts (mail/text.py): what is no character stands for it.
_DIVIDER = "\uffff"


def _kept(text: str) -> str:
    return text.replace(_DIVIDER, "\ufffd").replace("\0", _DIVIDER)


def _made(words: str) -> str:
    return words.replace(_DIVIDER, "\0")
