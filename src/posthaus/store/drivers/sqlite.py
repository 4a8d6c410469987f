"""SQLite, by apsw: the embedded store, shared by all workers of one machine.

One connection writes and one reads, both on the event loop. The writes of one loop turn are collected and run in one
BEGIN IMMEDIATE, each under a savepoint, and nobody is answered before COMMIT has returned. (A writer thread starves
beside a busy loop; a group commit on the loop does not.) A lock file is taken before BEGIN, because SQLite's own busy
handler is unfair between processes; where somebody else has it, the writes wait for his bell, which he rings at his
commit. Where COMMIT is slow (measured), it alone moves to a thread. Checkpoints run in a thread, outside the lock.

Standards: none. Needs SQLite 3.51.3 or newer (WAL-reset corruption before).
Faults:    StoreBusy, StoreFull, StoreDown.
"""

import asyncio
import fcntl
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from posthaus.base import limit
from posthaus.store import migrate
from posthaus.store.bell import Bells, Watcher
from posthaus.store.drivers.doorbell import Doorbell
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.store import Function, P, Ring, T
from posthaus.store.tx import Row

if tuple(map(int, apsw.sqlite_lib_version().split("."))) < (3, 51, 3):  # pragma: no cover
    raise ImportError(f"SQLite {apsw.sqlite_lib_version()} can corrupt a WAL database; apsw 3.51.3 or newer is needed")

_CACHE_KIB = 32 * 1024  # measured: a cache that holds the hot pages halves the time of FETCH BODY[]
_LOCK_RETRY_S = 0.001  # fall-back where no bell tells that the lock is free (the command line's writes)
_LOCK_PATIENCE_S = 30.0  # then StoreBusy
_SLOW_COMMIT_S = 0.008  # mean time of COMMIT above which it moves to a thread
_CHECKPOINT_PAGES = 1_000  # often and small: measured, 10,000 makes commits slower
_WAL_RESTART_PAGES = 16_000  # 64 MB: then a checkpoint waits for the writers' lock and starts the WAL anew
_LOOK_S = 1.0  # how often to look for what no bell told

_ERRORS: tuple[tuple[type[apsw.Error], type[Exception]], ...] = (
    (apsw.FullError, StoreFull),
    (apsw.BusyError, StoreBusy),
    (apsw.LockedError, StoreBusy),
    (apsw.ReadOnlyError, StoreDown),
    (apsw.CantOpenError, StoreDown),
    (apsw.IOError, StoreDown),
    (apsw.CorruptError, StoreDown),
    (apsw.NotADBError, StoreDown),
    (apsw.PermissionsError, StoreDown),
)


class SqliteTx:
    """A transaction on one connection; never suspends."""

    __slots__ = ("_numbered", "connection", "low_space", "touched")

    def __init__(self, connection: apsw.Connection, numbered: dict[str, str]) -> None:
        self.connection = connection
        self._numbered = numbered
        self.low_space = False
        self.touched: dict[int, int] = {}

    def _execute(self, sql: str, args: tuple[object, ...]) -> apsw.Cursor:
        text = self._numbered.get(sql)
        if text is None:  # SQLite would bind $2 by first appearance, ?2 by its number
            text = self._numbered[sql] = sql.replace("$", "?")
        return self.connection.execute(text, args)  # type: ignore[arg-type]

    async def one(self, sql: str, *args: object) -> Row | None:
        return self._execute(sql, args).fetchone()

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        return self._execute(sql, args).fetchall()

    async def run(self, sql: str, *args: object) -> int:
        self._execute(sql, args)
        return self.connection.changes()

    async def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self.connection.executemany(sql.replace("$", "?"), rows)  # type: ignore[arg-type]

    def touch(self, account: int, modseq: int) -> None:
        self.touched[account] = modseq


class _Job:
    """A write that waits for its commit."""

    __slots__ = ("call", "error", "future", "result", "touched")

    def __init__(self, call: Callable[[SqliteTx], Awaitable[Any]], future: "asyncio.Future[Any]") -> None:
        self.call = call
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.touched: dict[int, int] = {}

    def settle(self) -> None:
        if not self.future.done():  # else the caller went away; the write stands
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)


class SqliteStore:
    """See the head of this module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = str(folder / "store.db")
        self._numbered: dict[str, str] = {}
        self._bells = Bells()
        self._doorbell: Doorbell | None = None
        self._pending: deque[_Job] = deque()
        self._scheduled = False
        self._waiting_since = 0.0
        self._commit_mean_s = 0.0
        self._wal_pages = 0
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._busy_thread: asyncio.Future[Any] | None = None
        self._checkpointing: asyncio.Future[Any] | None = None
        self._low_space = False
        self._data_version = 0
        self._look: asyncio.TimerHandle | None = None
        self._alone = 0  # so many jobs run each in a transaction of its own
        self._closed = False
        self._drained = asyncio.Event()
        self._lock_fd = os.open(folder / "store.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._open_connections()

    @classmethod
    async def open(cls, folder: Path) -> "SqliteStore":
        try:
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder)
        except (apsw.Error, OSError) as e:
            raise _translated(e) from e
        store._loop = asyncio.get_running_loop()
        store._doorbell = Doorbell(folder / "run", store._rung)
        store._look_around()
        return store

    _loop: asyncio.AbstractEventLoop

    def _open_connections(self) -> None:
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            self._writer = self._connect()
            self._migrate()
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        self._writer.set_wal_hook(self._wal_grew)
        self._write_tx = SqliteTx(self._writer, self._numbered)
        self._reader = self._connect()
        self._reader.execute("PRAGMA query_only=ON")
        self._read_tx = SqliteTx(self._reader, self._numbered)

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(self._path, statementcachesize=300)
        connection.set_busy_timeout(5_000)
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL")  # 250 is a promise
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        return connection

    def _migrate(self) -> None:
        writer = self._writer
        row = writer.execute("PRAGMA user_version").fetchone()
        for number, statements in migrate.due(row[0] if row else 0, migrate.migrations(migrate.SQLITE)):
            with writer:
                for statement in statements:
                    writer.execute(statement)
                writer.execute(f"PRAGMA user_version={number}")

    # -- reading ---------------------------------------------------------------------------------------------------

    async def read(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        reader = self._reader
        try:
            reader.execute("BEGIN")
            try:
                return _ran(fn(self._read_tx, *args, **kwargs))
            finally:
                reader.execute("COMMIT")
        except apsw.Error as e:
            raise _translated(e) from e

    # -- writing ---------------------------------------------------------------------------------------------------

    async def write(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._pending.append(_Job(lambda tx: fn(tx, *args, **kwargs), future))
        if not self._scheduled:
            self._scheduled = True
            self._waiting_since = time.monotonic()
            self._loop.call_soon(self._flush)
        return await future

    def _flush(self) -> None:
        """Take the lock, run what waits in one transaction, commit, settle."""
        if self._busy_thread is not None or not self._pending:
            return
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - self._waiting_since > _LOCK_PATIENCE_S:
                self._fail_all(StoreBusy("the store's lock is held by somebody else"))
            else:
                self._loop.call_later(_LOCK_RETRY_S, self._flush)
            return
        jobs = [
            self._pending.popleft() for _ in range(min(len(self._pending), 1 if self._alone else limit.WRITE_BATCH))
        ]
        self._alone = max(0, self._alone - 1)
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            whole = self._run_jobs(jobs)
        except apsw.Error as e:
            self._undo(jobs, _translated(e))
            return
        if not whole:
            return
        if self._commit_mean_s > _SLOW_COMMIT_S:
            self._busy_thread = self._loop.run_in_executor(self._thread, self._commit)
            self._busy_thread.add_done_callback(lambda done: self._committed_in_thread(jobs, done))
            return
        try:
            self._commit()
        except apsw.Error as e:
            self._undo(jobs, _translated(e))
        else:
            self._finish(jobs)

    def _run_jobs(self, jobs: list[_Job]) -> bool:
        """False: SQLite gave up the whole transaction (disk full); all is undone, and each function runs again alone."""
        writer, tx = self._writer, self._write_tx
        tx.low_space = self._low_space
        for job in jobs:
            tx.touched = job.touched = {}
            if len(jobs) > 1:
                writer.execute("SAVEPOINT job")
            try:
                job.result = _ran(job.call(tx))
            except Exception as e:  # the function's own; told to its caller, not to the others
                job.error = _translated(e)
                job.touched = {}
                if not writer.in_transaction:
                    self._fallen(jobs, job)
                    return False
                if len(jobs) > 1:
                    writer.execute("ROLLBACK TO job")
                else:
                    writer.execute("ROLLBACK")
                    self._finish(jobs)
                    return False
            if len(jobs) > 1:
                writer.execute("RELEASE job")
        return True

    def _fallen(self, jobs: list[_Job], last: _Job) -> None:
        """The transaction is gone under a job's feet: those who ran before it run again, one by one."""
        fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        if len(jobs) == 1:
            last.settle()
        else:
            for job in jobs:
                job.error, job.result, job.touched = None, None, {}
            self._alone = len(jobs)
            self._pending.extendleft(reversed(jobs))
        self._again()

    def _commit(self) -> None:
        begun = time.perf_counter()
        self._writer.execute("COMMIT")
        self._commit_mean_s += 0.05 * (time.perf_counter() - begun - self._commit_mean_s)

    def _committed_in_thread(self, jobs: list[_Job], done: "asyncio.Future[Any]") -> None:
        self._busy_thread = None
        error = done.exception()
        if error is None:
            self._finish(jobs)
        else:
            self._undo(jobs, _translated(error))

    def _finish(self, jobs: list[_Job]) -> None:
        fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        touched: dict[int, int] = {}
        for job in jobs:
            touched.update(job.touched)
        if self._doorbell is not None:
            self._doorbell.send(touched)  # also where nothing was touched: it tells that the lock is free
        for job in jobs:
            job.settle()
        self._bells.ring(touched)
        if self._wal_pages >= _CHECKPOINT_PAGES and self._checkpointing is None:
            self._checkpoint()
        self._again()

    def _undo(self, jobs: list[_Job], error: BaseException) -> None:
        """BEGIN or COMMIT failed: nothing of this batch is kept."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except apsw.Error:
            pass
        fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        for job in jobs:
            job.error = job.error or error
            job.settle()
        if isinstance(error, StoreDown):
            self._reopen()
        self._again()

    def _again(self) -> None:
        self._scheduled = bool(self._pending)
        if self._pending:
            self._waiting_since = time.monotonic()
            self._loop.call_soon(self._flush)
        elif self._closed:
            self._drained.set()

    def _fail_all(self, error: Exception) -> None:
        while self._pending:
            job = self._pending.popleft()
            job.error = error
            job.settle()
        self._again()

    def _reopen(self) -> None:
        """A lost permission or file may have come back."""
        try:
            writer, reader = self._connect(), self._connect()
        except apsw.Error:
            return
        self._writer.close(True)
        self._reader.close(True)
        self._writer, self._reader = writer, reader
        self._writer.set_wal_hook(self._wal_grew)
        self._reader.execute("PRAGMA query_only=ON")
        self._write_tx, self._read_tx = SqliteTx(writer, self._numbered), SqliteTx(reader, self._numbered)

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return 0

    def _checkpoint(self) -> None:
        restart = self._wal_pages >= _WAL_RESTART_PAGES
        self._wal_pages = 0
        self._checkpointing = self._loop.run_in_executor(self._thread, self._checkpoint_in_thread, restart)
        self._checkpointing.add_done_callback(self._checkpointed)

    def _checkpoint_in_thread(self, restart: bool) -> None:
        connection = self._connect()
        lock = os.open(self._folder / "store.lock", os.O_RDWR | os.O_CLOEXEC) if restart else -1
        try:
            if restart:
                fcntl.flock(lock, fcntl.LOCK_EX)
            mode = apsw.SQLITE_CHECKPOINT_RESTART if restart else apsw.SQLITE_CHECKPOINT_PASSIVE
            connection.wal_checkpoint("main", mode)
        finally:
            if restart:
                os.close(lock)
            connection.close()

    def _checkpointed(self, done: "asyncio.Future[Any]") -> None:
        self._checkpointing = None
        done.exception()  # a checkpoint that failed is tried again after the next thousand pages

    # -- bells -----------------------------------------------------------------------------------------------------

    def watch(self, account: int, ring: Ring) -> Watcher:
        return self._bells.watch(account, ring)

    def _rung(self, touched: Mapping[int, int]) -> None:
        """Another worker has committed, so the lock is free, and these accounts have changed."""
        if self._pending and self._busy_thread is None:
            self._flush()
        self._bells.ring(touched)

    def _look_around(self) -> None:
        """Once a second: is there room, and did somebody write whose bell was lost?"""
        self._look = self._loop.call_later(_LOOK_S, self._look_around)
        try:
            free = os.statvfs(self._folder)
            self._low_space = free.f_bavail * free.f_frsize < limit.SPACE_RESERVE_OCTETS
            row = self._writer.execute("PRAGMA data_version").fetchone() if self._busy_thread is None else None
            if row is not None and row[0] != self._data_version:
                self._data_version = row[0]
                self._bells.ring(self._unheard())
        except (OSError, apsw.Error):
            return

    def _unheard(self) -> dict[int, int]:
        """The watched accounts that are further than their last bell said."""
        found = {}
        for account, heard in self._bells.heard():
            row = self._reader.execute("SELECT modseq FROM account WHERE id=?", (account,)).fetchone()
            if row is not None and row[0] > heard:
                found[account] = row[0]
        return found

    # -- the end ---------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Waits for the writes under way."""
        self._closed = True
        if self._pending or self._busy_thread is not None:
            await self._drained.wait()
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        if self._look is not None:
            self._look.cancel()
        if self._doorbell is not None:
            self._doorbell.close()
        self._thread.shutdown()
        self._writer.close(True)
        self._reader.close(True)
        os.close(self._lock_fd)


def _ran(call: Awaitable[T]) -> T:
    """The value of a coroutine that never suspends."""
    try:
        call.send(None)  # type: ignore[attr-defined]
    except StopIteration as e:
        return e.value  # type: ignore[no-any-return]
    raise AssertionError("a store function awaited something other than its transaction")


def _translated(error: BaseException) -> BaseException:
    for kind, ours in _ERRORS:
        if isinstance(error, kind):
            return ours(str(error))
    if isinstance(error, OSError):
        return StoreDown(str(error))
    return error
