"""One connection to a SQLite file: how it is opened, what a transaction on it can do, what its errors mean.

Standards: none. Needs SQLite 3.51.3 or newer (WAL-reset corruption before).
Faults:    StoreBusy, StoreFull, StoreDown, by translated().
"""

import os
from collections.abc import Awaitable, Iterable, Sequence
from pathlib import Path

import apsw

from posthaus.store import migrate
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.store import T
from posthaus.store.tx import Row

if tuple(map(int, apsw.sqlite_lib_version().split("."))) < (3, 51, 3):  # pragma: no cover
    raise ImportError(f"SQLite {apsw.sqlite_lib_version()} can corrupt a WAL database; apsw 3.51.3 or newer is needed")

FILE_NAME = "store.db"
LOCK_NAME = "store.lock"
_CACHE_KIB = 8 * 1024  # for what is written and looked up; what is read in bulk is mapped
_MAPPED_OCTETS = 4 * 1024**3  # of the file; what lies beyond is read into the cache
_STATEMENTS = 300  # kept prepared
_LOG_OCTETS = 6 * 1024 * 1024  # what the log grows to before it is begun anew, and a little
_LOG_PIECE_OCTETS = 16 * 1024  # of it in one write
_BUSY_MS = 50  # for strangers who know no lock file; longer waits are the loop's, not a connection's

_ERRORS: tuple[tuple[type[BaseException], type[Exception]], ...] = (
    (apsw.FullError, StoreFull),
    (apsw.BusyError, StoreBusy),
    (apsw.LockedError, StoreBusy),
    (apsw.ReadOnlyError, StoreDown),
    (apsw.CantOpenError, StoreDown),
    (apsw.IOError, StoreDown),
    (apsw.CorruptError, StoreDown),
    (apsw.NotADBError, StoreDown),
    (apsw.PermissionsError, StoreDown),
    (OSError, StoreDown),
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
        return self.connection.execute(text, args)

    async def one(self, sql: str, *args: object) -> Row | None:
        return self._execute(sql, args).fetchone()

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        return self._execute(sql, args).fetchall()

    async def run(self, sql: str, *args: object) -> int:
        self._execute(sql, args)
        return self.connection.changes()

    async def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self.connection.executemany(sql.replace("$", "?"), rows)

    def skip_locked(self, table: str) -> str:
        return ""

    def touch(self, account: int, modseq: int) -> None:
        self.touched[account] = modseq


def connect(path: Path, vfs: str = "") -> apsw.Connection:
    connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS, vfs=vfs or None)
    connection.set_busy_timeout(_BUSY_MS)
    # Plans do not depend on values. Without this SQLite prepares a statement anew for each value that it is given where
    # an equality meets ORDER BY, a join or max() (measured: 15 microseconds for a look-up that takes 2 with it).
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchall()
    if mode != [("wal",)]:
        raise apsw.CantOpenError(f"{path}: no write-ahead log on this file system")
    connection.execute("PRAGMA synchronous=FULL")  # 250 is a promise
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    return connection


def connect_reader(path: Path, vfs: str = "") -> apsw.Connection:
    """The file is mapped for it: a page is read where the kernel has it, and not copied into a cache of our own."""
    connection = connect(path, vfs)
    connection.execute("PRAGMA query_only=ON")
    _map(connection, _MAPPED_OCTETS)
    return connection


def let_go(connection: apsw.Connection) -> None:
    """Gives back what a reader has mapped and cached; it may read on at any time."""
    _map(connection, 0)
    _map(connection, _MAPPED_OCTETS)
    connection.execute("PRAGMA shrink_memory")


def _map(connection: apsw.Connection, octets: int) -> None:
    connection.execute(f"PRAGMA mmap_size={octets}").fetchall()


def schema_number(connection: apsw.Connection) -> int:
    row = connection.execute("PRAGMA user_version").fetchone()
    return row[0] if row else 0


def bring_up(connection: apsw.Connection) -> None:
    """Run the migrations that are due, each in a transaction; the caller holds the lock file."""
    for number, statements in migrate.due(schema_number(connection), migrate.migrations(migrate.SQLITE)):
        with connection:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")


def lengthen_log(path: Path) -> None:
    """Zeros up to the length that the log has anyway before long; the caller holds the lock file.

    A commit that overwrites need not wait for the file's new length (measured: 175 microseconds against 414 for the
    first thousand pages after each start). Zeros are no frame to SQLite: their salt and checksum are wrong. They are
    written in small pieces, because Linux keeps one large write as large folios, and ext4 walks through all blocks of a
    folio for each octet that is written into it (measured: 26 writes of a commit took 249 microseconds, and take 55).
    """
    try:
        log = os.open(f"{path}-wal", os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        size = os.fstat(log).st_size
        if size < _LOG_OCTETS:
            for at in range(size, _LOG_OCTETS, _LOG_PIECE_OCTETS):
                os.pwrite(log, bytes(min(_LOG_PIECE_OCTETS, _LOG_OCTETS - at)), at)
            os.fsync(log)
    except OSError:
        pass  # a full disk: the log grows as it can
    finally:
        os.close(log)


def ran(call: Awaitable[T]) -> T:
    """The value of a coroutine that never suspends."""
    try:
        call.send(None)  # type: ignore[attr-defined]
    except StopIteration as e:
        return e.value  # type: ignore[no-any-return]
    raise AssertionError("a store function awaited something other than its transaction")


def translated(error: BaseException) -> BaseException:
    """The store's name for an error of SQLite or the system, with it as its cause; else the error itself."""
    for kind, ours in _ERRORS:
        if isinstance(error, kind):
            new = ours(str(error))
            new.__cause__ = error
            return new
    return error
