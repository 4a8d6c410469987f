"""PostgreSQL, by asyncpg: the store of several nodes.

Every write is a transaction of its own (READ COMMITTED) on a connection of its own; those of one loop turn run at the
same time. Accounts' rows are locked first, in the order of their ids, so two writes wait and do not deadlock; where the
server gives one up all the same (40001, 40P01) it runs again. A read is one snapshot (REPEATABLE READ READ ONLY). A
connection that is lost while COMMIT is under way leaves it open whether the write was kept: that is told as StoreDown,
and never tried again here.

Standards: none.
Faults:    StoreBusy, StoreFull, StoreDown.
"""

import asyncio
from typing import Any

import asyncpg

from posthaus.base import limit
from posthaus.base.chance import SystemChance
from posthaus.store.bell import Bells, Watcher
from posthaus.store.drivers.postgresbell import NotifyBell
from posthaus.store.drivers.postgreslink import (
    AGAIN,
    FAULTS,
    Connection,
    Pool,
    PostgresTx,
    bring_up,
    check,
    connect,
    hang_up,
    sqlstate,
    translated,
)
from posthaus.store.error import StoreDown
from posthaus.store.store import Function, P, Ring, T

_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_RETRY_FIRST_S = 0.005  # doubled each time, with as much again by chance


class PostgresStore:
    """See the head of this module."""

    def __init__(self, url: str, connections: int, patience_s: float) -> None:
        self._pool = Pool(url, connections, patience_s)
        self._chance = SystemChance()
        self._bells = Bells()
        self._bell = NotifyBell(url, self._bells)
        self._writes: set[asyncio.Task[Any]] = set()
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        connections: int = limit.STORE_CONNECTIONS,
        patience_s: float = limit.STORE_LOCK_PATIENCE_S,
    ) -> "PostgresStore":
        try:
            connection = await connect(url)
            try:
                await check(connection)
                await bring_up(connection)
            except BaseException:
                await hang_up(connection)
                raise
        except FAULTS as e:
            raise translated(e) from e
        store = cls(url, connections, patience_s)
        store._pool.adopt(connection)
        store._bell.start()
        return store

    # -- reading ---------------------------------------------------------------------------------------------------

    async def read(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        connection = await self._begin(_READ)
        try:
            result = await fn(PostgresTx(connection), *args, **kwargs)
            await connection.execute("COMMIT")
            return result
        except FAULTS as e:
            await _roll_back(connection, e)
            error = translated(e, connection)
            if error is e:
                raise
            raise error from e
        except Exception as e:
            await _roll_back(connection, e)
            raise
        except BaseException:  # cancelled: an answer may be under way
            connection.terminate()
            raise
        finally:
            self._pool.give_back(connection)

    async def scan(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.read(fn, *args, **kwargs)

    # -- writing ---------------------------------------------------------------------------------------------------

    async def write(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        task: asyncio.Task[T] = asyncio.get_running_loop().create_task(self._write(fn, args, kwargs))
        self._writes.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)  # a cancelled caller cancels nothing

    def _written(self, task: "asyncio.Task[Any]") -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have gone away

    async def _write(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        pause = _RETRY_FIRST_S
        for left in range(limit.STORE_RETRIES, -1, -1):
            connection = await self._begin(_WRITE)
            tx = PostgresTx(connection)
            try:
                result = await fn(tx, *args, **kwargs)
                await _commit(connection)
            except BaseException as e:
                await _roll_back(connection, e)
                if sqlstate(e) not in AGAIN or not left:
                    error = translated(e, connection)
                    if error is e:
                        raise
                    raise error from e
            else:
                self._bells.ring(tx.touched)
                self._bell.send(tx.touched)
                return result
            finally:
                self._pool.give_back(connection)
            await asyncio.sleep(pause * (1 + self._chance.octets(1)[0] / 256))
            pause *= 2
        raise AssertionError

    async def _begin(self, statement: str) -> Connection:
        if self._closed:
            raise StoreDown("the store is closed")
        try:
            return await self._pool.take(statement)
        except FAULTS as e:
            raise translated(e) from e

    # -- bells and the end -----------------------------------------------------------------------------------------

    def watch(self, account: int, ring: Ring) -> Watcher:
        return self._bells.watch(account, ring)

    async def close(self) -> None:
        """Waits for the writes under way."""
        if self._closed:
            return
        if self._writes:
            await asyncio.wait(self._writes)
        self._closed = True
        await self._bell.close()
        await self._pool.close()


async def _commit(connection: Connection) -> None:
    status = await connection.execute("COMMIT")
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK where a statement had failed
        raise AssertionError("a store function went on after a statement of its transaction had failed")


async def _roll_back(connection: Connection, error: BaseException) -> None:
    """Nothing of it is kept. A connection that cannot even do that is hung up, and the server rolls back."""
    if isinstance(error, asyncpg.InternalClientError):
        connection.terminate()
    try:
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("ROLLBACK")
    except FAULTS:
        connection.terminate()
