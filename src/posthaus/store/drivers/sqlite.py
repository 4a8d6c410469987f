"""SQLite, by apsw: the embedded store, shared by all workers of one machine.

One connection writes and reads, on the event loop. The writes of one loop turn are collected and run in one BEGIN
IMMEDIATE, each under a savepoint, and nobody is answered before COMMIT has returned. (A writer thread starves beside a
busy loop; a group commit on the loop does not.) A lock file is taken before BEGIN, because SQLite's own busy handler is
unfair between processes; where somebody else has it, the writes wait for his bell, which he rings at his commit. Where
COMMIT is slow (measured), it alone moves to a thread, and a second connection reads meanwhile: not always, because a
connection forgets all of its pages when another one has committed (measured: a look-up by key 80 microseconds then, 40
on the one that wrote). Checkpoints run in a thread, outside the lock.

That second connection has the file mapped, and always answers scan(): docs/design/010-mapping.md.

Standards: none.
Faults:    StoreBusy, StoreFull, StoreDown.
"""

import asyncio
import fcntl
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from posthaus.base import limit
from posthaus.store.bell import QUEUE, Bells, Watcher
from posthaus.store.drivers import sqlitefile
from posthaus.store.drivers.doorbell import Doorbell
from posthaus.store.drivers.sqlitefile import SqliteTx, ran, translated
from posthaus.store.drivers.sqlitejob import Job
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.store import Function, P, Ring, T

_LOCK_RETRY_S = 0.001  # fall-back where no bell tells that the lock is free (the command line's writes)
_SLOW_COMMIT_S = 0.008  # mean time of COMMIT above which it moves to a thread
_CHECKPOINT_PAGES = 1_000  # often and small: measured, 10,000 makes commits slower
_GATHER_S = 0.002  # that a write waits for others while the loop is busy
_IDLE_TURN_S = 0.00003  # a turn of the loop in which nothing else ran
_LOOK_S = 1.0  # how often to look for what no bell told
_CALM_LOOKS = 5  # without a scan, and what is mapped is given back


class SqliteStore:
    """See the head of this module."""

    def __init__(self, folder: Path, vfs: str, patience_s: float) -> None:
        self._folder = folder
        self._path = folder / sqlitefile.FILE_NAME
        self._vfs = vfs
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._numbered: dict[str, str] = {}
        self._bells = Bells()
        self._doorbell: Doorbell | None = None
        self._pending: deque[Job] = deque()
        self._scheduled = False
        self._retry: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0
        self._turn_began = 0.0
        self._last_batch = 0  # writes of the last commit
        self._commit_mean_s = 0.0
        self._wal_pages = 0  # in the log
        self._backfilled = 0  # of them in the database
        self._log_may_end = False
        self._checkpointer: apsw.Connection | None = None
        self._threads = ThreadPoolExecutor(2, "sqlite")  # one commits, one checkpoints
        self._committing: asyncio.Future[Any] | None = None
        self._checkpointing: asyncio.Future[Any] | None = None
        self._low_space = False
        self._wants_lock = False
        self._data_version = 0
        self._calm = 0  # looks since the last scan
        self._look: asyncio.TimerHandle | None = None
        self._alone = 0  # so many jobs run each in a transaction of its own
        self._closed = False
        self._drained = asyncio.Event()
        self._lock_fd = os.open(folder / sqlitefile.LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @classmethod
    async def open(
        cls, folder: Path, *, vfs: str = "", patience_s: float = limit.STORE_LOCK_PATIENCE_S
    ) -> "SqliteStore":
        """vfs: a file layer that was registered with apsw, for tests that break it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder, vfs, patience_s)
            try:
                await store._open_connections()
            except BaseException:
                os.close(store._lock_fd)
                raise
        except (apsw.Error, OSError) as e:
            raise translated(e) from e
        store._doorbell = Doorbell(folder / "run", store._rung)
        store._bells.notice = store._doorbell.attention
        store._look_around()
        return store

    async def _open_connections(self) -> None:
        deadline = time.monotonic() + self._patience_s
        while not self._take_lock():
            if time.monotonic() > deadline:
                raise StoreBusy("the store's lock is held by somebody else")
            await asyncio.sleep(0.01)
        try:
            self._use_writer(sqlitefile.connect(self._path, self._vfs))
            sqlitefile.bring_up(self._writer)
            if not self._vfs:
                sqlitefile.lengthen_log(self._path)
        finally:
            self._free_lock()
        self._use_reader(sqlitefile.connect_reader(self._path, self._vfs))

    def _use_writer(self, connection: apsw.Connection) -> None:
        self._writer = connection
        self._writer.set_wal_hook(self._wal_grew)
        self._write_tx = SqliteTx(connection, self._numbered)

    def _use_reader(self, connection: apsw.Connection) -> None:
        self._reader = connection

    # -- reading ---------------------------------------------------------------------------------------------------

    async def read(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        return self._read(lambda tx: fn(tx, *args, **kwargs), by_reader=self._committing is not None)

    async def scan(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        self._calm = 0
        return self._read(lambda tx: fn(tx, *args, **kwargs), by_reader=True)

    def _read(self, call: Callable[[SqliteTx], Awaitable[T]], *, by_reader: bool) -> T:
        if self._closed:
            raise StoreDown("the store is closed")
        for again in (True, False):
            try:
                return self._read_once(self._reader if by_reader else self._writer, call)
            except apsw.Error as e:
                error = translated(e)
                reopen = self._reopen_reader if by_reader else self._reopen_writer
                if again and isinstance(error, StoreDown) and reopen():
                    continue
                if error is e:
                    raise
                raise error from e
        raise AssertionError

    def _read_once(self, connection: apsw.Connection, call: Callable[[SqliteTx], Awaitable[T]]) -> T:
        connection.execute("BEGIN")
        try:
            return ran(call(SqliteTx(connection, self._numbered)))
        finally:
            if connection.in_transaction:
                wrote = connection.txn_state("main") == apsw.SQLITE_TXN_WRITE  # and had no right to: a defect
                connection.execute("ROLLBACK" if wrote else "COMMIT")
                if wrote:
                    raise StoreDown("a function that reads has written")

    def _idle_connection(self) -> apsw.Connection:
        return self._writer if self._committing is None else self._reader

    # -- writing ---------------------------------------------------------------------------------------------------

    async def write(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StoreDown("the store is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._pending.append(Job(lambda tx: fn(tx, *args, **kwargs), future))
        if not self._scheduled:
            self._scheduled = True
            self._schedule()
        return await future

    def _schedule(self) -> None:
        self._waiting_since = self._turn_began = time.monotonic()
        self._loop.call_soon(self._gather if self._last_batch > 1 else self._flush)

    def _gather(self) -> None:
        """Where the last commit was for several, others are about to come: waits for them as long as the loop has
        something else to do, and not for long."""
        now = time.monotonic()
        is_idle = now - self._turn_began < _IDLE_TURN_S
        if is_idle or now - self._waiting_since > _GATHER_S:
            self._flush()
            return
        self._turn_began = now
        self._loop.call_soon(self._gather)

    def _flush(self) -> None:
        """Take the lock, run what waits in one transaction, commit, settle."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._committing is not None or not self._pending:
            return
        try:
            begun = self._begin()
        except (apsw.Error, OSError) as e:
            self._undo(self._batch(), translated(e))
            return
        if not begun:
            self._come_again()
            return
        jobs = self._batch()
        try:
            whole = self._run_jobs(jobs)
        except apsw.Error as e:
            self._undo(jobs, translated(e))
            return
        if whole:
            self._commit_for(jobs)

    def _begin(self) -> bool:
        """False: somebody else writes."""
        if not self._take_lock():
            return False
        try:
            if self._log_may_end:
                self._end_log()
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.Error as e:
                if not isinstance(translated(e), StoreDown) or not self._reopen_writer():
                    raise
                self._writer.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:  # a stranger who knows no lock file: the sqlite3 shell, a backup tool
            self._free_lock()
            return False
        return True

    def _take_lock(self) -> bool:
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._want_lock(True)
            return False
        if self._wants_lock:
            self._want_lock(False)
        return True

    def _want_lock(self, wanted: bool) -> None:
        """Whoever commits next rings for us."""
        self._wants_lock = wanted
        if self._doorbell is not None:
            self._doorbell.attention.wants_lock(wanted)

    def _free_lock(self) -> None:
        fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def _come_again(self) -> None:
        if time.monotonic() - self._waiting_since <= self._patience_s:
            self._retry = self._loop.call_later(_LOCK_RETRY_S, self._flush)
            return
        while self._pending:
            job = self._pending.popleft()
            job.error = StoreBusy("the store's lock is held by somebody else")
            job.settle()
        self._again()

    def _batch(self) -> list[Job]:
        n = 1 if self._alone else min(len(self._pending), limit.WRITE_BATCH)
        self._last_batch = n
        self._alone = max(0, self._alone - 1)
        return [self._pending.popleft() for _ in range(n)]

    def _run_jobs(self, jobs: list[Job]) -> bool:
        """False: there is nothing to commit, and whoever had to be told was told.

        SQLite gives up the whole transaction where the disk is full; then each function runs again alone.
        """
        writer, tx = self._writer, self._write_tx
        tx.low_space = self._low_space
        several = len(jobs) > 1
        for job in jobs:
            tx.touched = job.touched = {}
            if several:
                writer.execute("SAVEPOINT job")
            try:
                job.result = ran(job.call(tx))
            except Exception as e:  # the function's own; told to its caller, not to the others
                job.error = translated(e)
                job.touched = {}
                if writer.in_transaction:
                    writer.execute("ROLLBACK TO job" if several else "ROLLBACK")
            if not writer.in_transaction:
                self._undo(jobs, job.error or StoreDown("the transaction was given up"))
                return False
            if several:
                writer.execute("RELEASE job")
        return True

    def _commit_for(self, jobs: list[Job]) -> None:
        if self._commit_mean_s > _SLOW_COMMIT_S:
            self._committing = self._loop.run_in_executor(self._threads, self._commit)
            self._committing.add_done_callback(lambda done: self._committed(jobs, done))
            return
        try:
            self._commit()
        except apsw.Error as e:
            self._undo(jobs, translated(e))
        else:
            self._finish(jobs)

    def _commit(self) -> None:
        begun = time.perf_counter()
        self._writer.execute("COMMIT")
        self._commit_mean_s += 0.05 * (time.perf_counter() - begun - self._commit_mean_s)

    def _committed(self, jobs: list[Job], done: "asyncio.Future[Any]") -> None:
        self._committing = None
        error = done.exception()
        if error is None:
            self._finish(jobs)
        else:
            self._undo(jobs, translated(error))

    def _finish(self, jobs: list[Job]) -> None:
        """Committed: tell everybody."""
        self._free_lock()
        touched: dict[int, int] = {}
        for job in jobs:
            touched.update(job.touched)
        if self._doorbell is not None:
            self._doorbell.send(touched)  # also where nothing was touched: it may tell that the lock is free
        for job in jobs:
            job.settle()
        self._bells.ring(touched)
        if self._wal_pages - self._backfilled >= _CHECKPOINT_PAGES and self._checkpointing is None:
            self._checkpoint()
        self._again()

    def _undo(self, jobs: list[Job], error: BaseException) -> None:
        """Nothing of this batch is kept. Where there was no room for all, there may be for each, or for some."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except apsw.Error:
            pass
        self._free_lock()
        if isinstance(error, StoreFull) and len(jobs) > 1:
            for job in jobs:
                job.forget()
            self._alone = len(jobs)
            self._pending.extendleft(reversed(jobs))
        else:
            for job in jobs:
                job.error = job.error or error
                job.settle()
        self._again()

    def _again(self) -> None:
        self._scheduled = bool(self._pending)
        if self._pending:
            self._schedule()
        elif self._closed:
            self._drained.set()

    def _reopen_writer(self) -> bool:
        """A lost permission or file may have come back; the old connection would not notice."""
        try:
            writer = sqlitefile.connect(self._path, self._vfs)
        except apsw.Error:
            return False
        _drop(self._writer)
        self._use_writer(writer)
        return True

    def _reopen_reader(self) -> bool:
        try:
            reader = sqlitefile.connect_reader(self._path, self._vfs)
        except apsw.Error:
            return False
        _drop(self._reader)
        self._use_reader(reader)
        return True

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self._wal_pages:
            self._backfilled = 0  # the log was begun anew, by us or by another worker
        self._wal_pages = pages
        return 0

    def _checkpoint(self) -> None:
        """Most of the work, in a thread and beside the writers; what they add meanwhile is left to _end_log."""
        self._checkpointing = self._loop.run_in_executor(self._threads, self._checkpoint_in_thread)
        self._checkpointing.add_done_callback(self._checkpointed)

    def _checkpoint_in_thread(self) -> int:
        """How many pages of the log are in the database now."""
        if self._checkpointer is None:
            self._checkpointer = sqlitefile.connect(self._path, self._vfs)
        return self._checkpointer.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)[1]

    def _checkpointed(self, done: "asyncio.Future[int]") -> None:
        self._checkpointing = None
        if done.exception() is None:
            self._backfilled = max(done.result(), 0)
            self._log_may_end = True
        else:  # another worker is at it, or the disk is full: again after as many pages
            self._backfilled = self._wal_pages

    def _end_log(self) -> None:
        """Under the writers' lock: the last few pages, so that the next transaction begins the log anew.

        Without this the log would only grow, because somebody always writes while a checkpoint runs.
        """
        self._log_may_end = False
        try:
            self._writer.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error:
            pass

    # -- bells -----------------------------------------------------------------------------------------------------

    def watch(self, account: int, ring: Ring) -> Watcher:
        return self._bells.watch(account, ring)

    def _rung(self, touched: Mapping[int, int]) -> None:
        """Another worker has committed, so the lock is free, and these accounts have changed."""
        if self._retry is not None:
            self._flush()
        self._bells.ring(touched)

    def _look_around(self) -> None:
        """Once a second: is there room, did somebody write whose bell was lost, and is nobody reading?"""
        self._look = self._loop.call_later(_LOOK_S, self._look_around)
        try:
            free = os.statvfs(self._folder)
            self._low_space = free.f_bavail * free.f_frsize < limit.SPACE_RESERVE_OCTETS
            row = self._writer.execute("PRAGMA data_version").fetchone() if self._committing is None else None
            if row is not None and (self._bells.has_new() or row[0] != self._data_version):
                self._bells.ring(self._unheard())
                self._data_version = row[0]
            self._give_back()
        except (OSError, apsw.Error):
            return

    def _give_back(self) -> None:
        self._calm += 1
        if self._calm == _CALM_LOOKS:
            sqlitefile.let_go(self._reader)

    def _unheard(self) -> dict[int, int]:
        """The watched accounts that are further than their last bell said."""
        found = {}
        for account, heard in self._bells.heard():
            row = self._idle_connection().execute("SELECT modseq FROM account WHERE id=?", (account,)).fetchone()
            if row is not None and row[0] > heard:
                found[account] = row[0]
            elif account == QUEUE:
                found[QUEUE] = 0
        return found

    # -- the end ---------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Waits for the writes under way."""
        if self._closed:
            return
        self._closed = True
        if self._pending or self._committing is not None:
            await self._drained.wait()
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        if self._look is not None:
            self._look.cancel()
        if self._doorbell is not None:
            self._doorbell.close()
        self._threads.shutdown()
        for connection in (self._checkpointer, self._reader, self._writer):
            if connection is not None:
                _drop(connection)
        os.close(self._lock_fd)


def _drop(connection: apsw.Connection) -> None:
    try:
        connection.close(True)
    except apsw.Error:
        pass  # the last one moves the log into the file; where it cannot, the next to open does
