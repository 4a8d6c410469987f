"""The index of texts in a SQLite file of its own: trigrams by FTS5, texts packed beside them.

The file is apart from the store's, so it never holds up a delivery, needs no sync to be trusted (what a power cut takes
is made again: the number up to which all is in lies in the same file) and can be deleted. Adding and looking for
candidates happen in threads, each with a connection of its own. Whoever holds the lock file adds, and steps back while
anybody else wants the processor: seven eighths of what the index costs are in that thread.

A message's accounts are three characters in front of its text, which are a trigram like any other: so the mail of
others costs a search nothing. Measured: 0.5 of the texts' size for the trigrams, 0.3 for the packed texts.

Standards: none.
Faults:    StoreDown, StoreFull, StoreBusy.
"""

import asyncio
import fcntl
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw
import zstandard

from posthaus.store.drivers.sqlitefile import translated
from posthaus.store.textindex import VERSION, Candidates, Entry

T = TypeVar("T")

FILE_NAME = "index.db"
_LOCK_NAME = "index.lock"
_CACHE_KIB = 8 * 1024
_BUSY_MS = 2_000  # another worker's commit takes milliseconds
_IDS_AT_ONCE = 500
_NICER = 10  # than the rest of the worker
_TRIGRAMS = 32  # of one needle; a longer needle is found by these and then compared
_SCHEMA = (
    "CREATE VIRTUAL TABLE word USING fts5(text, content='', contentless_delete=1, detail=none,"
    " tokenize='trigram case_sensitive 1')",
    "CREATE TABLE text (message INTEGER PRIMARY KEY, packed BLOB)",  # NULL: too long to be kept
    "CREATE INDEX text_long ON text (message) WHERE packed IS NULL",
    "CREATE TABLE state (upto INTEGER NOT NULL)",
    "INSERT INTO state VALUES (0)",
    f"PRAGMA user_version={VERSION}",
)


class SqliteIndex:
    """See the head of this module."""

    late_s = 0.0  # SQLite has one writer at a time: ids rise as they are committed

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._adding = ThreadPoolExecutor(1, "index", _step_back)
        self._seeking = ThreadPoolExecutor(1, "seek")
        self._packer = zstandard.ZstdCompressor(level=3)
        self._unpacker = zstandard.ZstdDecompressor()
        self._lock_fd = os.open(folder / _LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._owned = False

    @classmethod
    async def open(cls, folder: Path) -> "SqliteIndex":
        index = cls(folder)
        try:
            await _in_thread(index._adding, index._open)
        except BaseException:
            await index.close()
            raise
        return index

    async def own(self) -> bool:
        if not self._owned:
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._owned = True
        return True

    async def upto(self) -> int:
        return _read(lambda: _upto(self._reader))

    async def add(self, entries: Sequence[Entry], upto: int) -> None:
        await _in_thread(self._adding, lambda: self._add(entries, upto))

    async def candidates(self, account: int, needles: Sequence[str], borrowed: Sequence[int] = ()) -> Candidates:
        return await _in_thread(self._seeking, lambda: self._candidates((account, *borrowed), needles))

    async def texts(self, messages: Sequence[int]) -> dict[int, str]:
        return _read(lambda: self._texts(messages))

    async def kept(self, after: int, most: int) -> list[int]:
        sql = "SELECT message FROM text WHERE message>? ORDER BY message LIMIT ?"
        return _read(lambda: [row[0] for row in self._reader.execute(sql, (after, most))])

    async def forget(self, messages: Sequence[int]) -> None:
        await _in_thread(self._adding, lambda: self._forget(messages))

    async def clear(self) -> None:
        await _in_thread(self._adding, self._clear)

    async def close(self) -> None:
        for threads in (self._adding, self._seeking):
            threads.shutdown()
        for name in ("_writer", "_seeker", "_reader"):
            connection: apsw.Connection | None = getattr(self, name, None)
            if connection is not None:
                connection.close()
        os.close(self._lock_fd)  # and whoever waits may add

    # -- in threads ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            self._writer = _bring_up(self._path)
        except (apsw.CorruptError, apsw.NotADBError):
            for suffix in ("", "-wal", "-shm"):  # it holds nothing that cannot be made again
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._writer = _bring_up(self._path)
        self._seeker = _connect(self._path)
        self._reader = _connect(self._path)

    def _add(self, entries: Sequence[Entry], upto: int) -> None:
        words = [(e.message, _marks(e.accounts) + e.text) for e in entries if e.text is not None]
        texts = [(e.message, e.text and self._packer.compress(e.text.encode("utf-8"))) for e in entries]
        with _Transaction(self._writer):
            self._writer.executemany("DELETE FROM word WHERE rowid=?", [(e.message,) for e in entries])
            self._writer.executemany("INSERT INTO word (rowid, text) VALUES (?, ?)", words)
            self._writer.executemany("INSERT OR REPLACE INTO text VALUES (?, ?)", texts)
            self._writer.execute("UPDATE state SET upto=?", (upto,))

    def _forget(self, messages: Sequence[int]) -> None:
        ids = [(message,) for message in messages]
        with _Transaction(self._writer):
            self._writer.executemany("DELETE FROM word WHERE rowid=?", ids)
            self._writer.executemany("DELETE FROM text WHERE message=?", ids)

    def _clear(self) -> None:
        with _Transaction(self._writer):
            _begin_anew(self._writer)

    def _candidates(self, accounts: Sequence[int], needles: Sequence[str]) -> Candidates:
        with _snapshot(self._seeker):
            upto = _upto(self._seeker)
            long = [row[0] for row in self._seeker.execute("SELECT message FROM text WHERE packed IS NULL")]
            sql = "SELECT rowid FROM word WHERE word MATCH ?"
            return Candidates(
                upto,
                {
                    needle: frozenset(
                        [*long, *(row[0] for row in self._seeker.execute(sql, (_query(accounts, needle),)))]
                    )
                    for needle in needles
                },
            )

    def _texts(self, messages: Sequence[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for at in range(0, len(messages), _IDS_AT_ONCE):
            ids = ",".join(map(str, messages[at : at + _IDS_AT_ONCE]))
            for message, packed in self._reader.execute(f"SELECT message, packed FROM text WHERE message IN ({ids})"):
                if packed is not None:
                    found[message] = self._unpacker.decompress(packed).decode("utf-8")
        return found


def _step_back() -> None:
    """The thread that calls this gets the processor when others leave it. Linux can do so for a thread by itself."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _NICER)


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    except (apsw.Error, OSError) as e:
        raise translated(e) from e


def _read(work: Callable[[], T]) -> T:
    try:
        return work()
    except apsw.Error as e:
        raise translated(e) from e


class _Transaction:
    """A transaction that has the right to write from its beginning, so it never fails half-way for want of it."""

    def __init__(self, connection: apsw.Connection, statement: str = "BEGIN IMMEDIATE") -> None:
        self._connection = connection
        self._statement = statement

    def __enter__(self) -> None:
        self._connection.execute(self._statement)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _snapshot(connection: apsw.Connection) -> _Transaction:
    return _Transaction(connection, "BEGIN")


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(_BUSY_MS)
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=NORMAL")  # never corrupt; a power cut may take the last commits with it
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    return connection


def _bring_up(path: Path) -> apsw.Connection:
    connection = _connect(path)
    with _Transaction(connection):
        if _version(connection) != VERSION:
            _begin_anew(connection)
    return connection


def _version(connection: apsw.Connection) -> int:
    row = connection.execute("PRAGMA user_version").fetchone()
    return row[0] if row else 0


def _begin_anew(connection: apsw.Connection) -> None:
    for table in ("word", "text", "state"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA:
        connection.execute(statement)


def _upto(connection: apsw.Connection) -> int:
    row = connection.execute("SELECT upto FROM state").fetchone()
    return row[0] if row else 0


# -- trigrams ------------------------------------------------------------------------------------------------------

_DIGIT = 2_048  # each of an account's three characters is one of so many of its own, in the private use area
_FIRST = (0xE000, 0xE800, 0xF000)


def _mark(account: int) -> str:
    """An account as three characters that stand side by side in no other mark."""
    high, low = divmod(account, _DIGIT)
    higher, middle = divmod(high, _DIGIT)
    return "".join(map(chr, (_FIRST[0] + higher % _DIGIT, _FIRST[1] + middle, _FIRST[2] + low)))


def _marks(accounts: Iterable[int]) -> str:
    return "".join(map(_mark, accounts)) + "\n"


def _query(accounts: Sequence[int], needle: str) -> str:
    """An FTS5 query: one of the accounts' marks, and trigrams of the needle, all of them, for detail=none knows no
    phrases."""
    trigrams = dict.fromkeys(needle[at : at + 3] for at in range(len(needle) - 2))
    step = -(-len(trigrams) // _TRIGRAMS)
    whose = " OR ".join(f'"{_mark(account)}"' for account in accounts)
    return " AND ".join([f"({whose})", *('"' + one.replace('"', '""') + '"' for one in list(trigrams)[::step])])
