"""Connections to PostgreSQL: a small pool, a transaction's four verbs, and what its errors mean.

asyncpg keeps prepared statements per connection. Its own pool asks the server for a reset after every use; ours does
not, because a transaction leaves nothing behind.

Standards: none.
Faults:    StoreBusy, StoreFull, StoreDown, by translated().
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import asyncpg

from posthaus.base import limit
from posthaus.store import migrate
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.tx import Row

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# asyncpg's own fault is what a connection raises that the server has hung up, until the end of stream is read
FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

AGAIN = ("40001", "40P01")  # serialization failure, deadlock: the one kind of failure that is tried again
_FULL = ("53100",)  # disk_full
_BUSY = (*AGAIN, "55P03", "57014", "53200", "53300", "53400")  # lock or statement timeout, out of memory or connections
_DOWN_CLASSES = ("08", "28", "58", "F0", "XX")  # connection, authorization, system, configuration, corruption
# shut down, starting, timed out, no such database, a standby
_DOWN = ("57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "3D000", "25006")
_MIGRATION_LOCK = 0x706F7374  # "post"; one worker migrates
_CONNECT_S = 10.0  # also for BEGIN: a server that takes longer is as good as none


class PostgresTx:
    """A transaction on one connection."""

    __slots__ = ("_connection", "low_space", "touched")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.low_space = False  # the server's disk is its own affair: StoreFull when it says so
        self.touched: dict[int, int] = {}

    async def one(self, sql: str, *args: object) -> Row | None:
        row = await self._connection.fetchrow(sql, *args)
        return None if row is None else tuple(row)

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        return list(map(tuple, await self._connection.fetch(sql, *args)))

    async def run(self, sql: str, *args: object) -> int:
        status = await self._connection.execute(sql, *args)  # "UPDATE 3", "INSERT 0 1"
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        rows = list(rows)
        if rows:
            await self._connection.executemany(sql, rows)

    def skip_locked(self, table: str) -> str:
        return f" FOR UPDATE OF {table} SKIP LOCKED"

    def touch(self, account: int, modseq: int) -> None:
        self.touched[account] = modseq


async def connect(
    url: str, application: str = "posthaus", *, statement_timeout_s: float = limit.STORE_STATEMENT_TIMEOUT_S
) -> Connection:
    settings = {
        "application_name": application,
        "lock_timeout": str(int(limit.STORE_LOCK_PATIENCE_S * 1000)),
        "idle_in_transaction_session_timeout": str(int(limit.STORE_STATEMENT_TIMEOUT_S * 1000)),
        "jit": "off",  # all our statements are short; compiling one takes longer than running it
        "client_encoding": "UTF8",
    }
    try:
        connection: Connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_S,
            command_timeout=statement_timeout_s,
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            server_settings=settings,
        )
    except ValueError as e:
        raise StoreDown(f"the store's URL cannot be used: {e}") from e
    return connection


class Pool:
    """Connections for one transaction at a time; made when wanted, kept when idle, the longest waiting is next."""

    def __init__(self, url: str, most: int, patience_s: float) -> None:
        self._url = url
        self._most = most
        self._patience_s = patience_s
        self._idle: list[Connection] = []
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def adopt(self, connection: Connection) -> None:
        """One that is there already and idle."""
        self._idle.append(connection)

    async def take(self, begin: str) -> Connection:
        """A connection on which the statement `begin` has just run."""
        if self._used >= self._most:
            await self._turn()
        else:
            self._used += 1
        try:
            while self._idle:
                connection = self._idle.pop()
                try:
                    if not connection.is_closed():
                        await connection.execute(begin, timeout=_CONNECT_S)
                        return connection
                except TimeoutError:  # the server hangs, and with it all that lie here
                    connection.terminate()
                    raise
                except FAULTS:
                    connection.terminate()  # it died while it lay idle; nothing has been asked yet
                except BaseException:  # cancelled: an answer may be under way
                    connection.terminate()
                    raise
            connection = await connect(self._url)
            try:
                await connection.execute(begin, timeout=_CONNECT_S)
            except BaseException:
                connection.terminate()
                raise
            return connection
        except BaseException:
            self._free()
            raise

    async def _turn(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(self._patience_s):
                await future
        except BaseException as e:
            if future.done() and not future.cancelled():
                self._free()  # the turn came at the same moment: it goes to the next
            if isinstance(e, TimeoutError):
                raise StoreBusy("all connections to the database are in use") from None
            raise

    def give_back(self, connection: Connection) -> None:
        """Also a broken one."""
        if not connection.is_closed():
            self._idle.append(connection)
        self._free()

    def _free(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._used -= 1

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await hang_up(connection)


async def hang_up(connection: Connection) -> None:
    try:
        await connection.close(timeout=limit.CLOSE_TIMEOUT_S)
    except FAULTS:
        connection.terminate()


# -- the database --------------------------------------------------------------------------------------------------


async def check(connection: Connection) -> None:
    """Refuses a database on which we could not keep our promises."""
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        raise StoreDown("synchronous_commit is off: the database would lose mail that was accepted")
    if await connection.fetchval("SHOW server_encoding") != "UTF8":
        raise StoreDown("the database's encoding is not UTF8")


async def bring_up(connection: Connection, last: int | None = None) -> None:
    """Run the migrations that are due (up to `last`), each in a transaction, by one worker at a time."""
    await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
    try:
        await connection.execute('CREATE TABLE IF NOT EXISTS meta (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT)')
        for number, statements in migrate.due(await schema_number(connection), migrate.migrations(migrate.POSTGRES)):
            if last is not None and number > last:
                break
            async with connection.transaction():
                for statement in statements:
                    await connection.execute(statement)
                await connection.execute(
                    "INSERT INTO meta (name, value) VALUES ('schema', $1)"
                    " ON CONFLICT (name) DO UPDATE SET value=excluded.value",
                    number,
                )
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _MIGRATION_LOCK)


async def schema_number(connection: Connection) -> int:
    number: int | None = await connection.fetchval("SELECT value FROM meta WHERE name='schema'")
    return number or 0


# -- errors --------------------------------------------------------------------------------------------------------


def sqlstate(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or "" if isinstance(error, asyncpg.PostgresError) else ""


def translated(error: BaseException, connection: Any = None) -> BaseException:
    """The store's name for an error of PostgreSQL or the network, with it as its cause; else the error itself."""
    kind = _kind(error, connection)
    if kind is None:
        return error
    new = kind(str(error) or type(error).__name__)
    new.__cause__ = error
    return new


def _kind(error: BaseException, connection: Any) -> type[Exception] | None:
    state = sqlstate(error)
    if state in _FULL:
        return StoreFull
    if state in _BUSY:
        return StoreBusy
    if state in _DOWN or state[:2] in _DOWN_CLASSES:
        return StoreDown
    if isinstance(error, (OSError, asyncpg.InternalClientError)):
        return StoreDown
    if isinstance(error, asyncpg.InterfaceError) and connection is not None and connection.is_closed():
        return StoreDown
    return None
