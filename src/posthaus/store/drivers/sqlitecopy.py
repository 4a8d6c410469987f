"""A SQLite store to a file and back; both block, and run in a thread.

The copy is made by SQLite's backup interface in one step, so it is one snapshot; writers go on meanwhile, and the log
grows until it is done.

Standards: none.
Faults:    StoreDown, StoreFull; OSError.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from posthaus.store.drivers import sqlitefile

_MAILBOX_IDS, _OTHER_IDS = 10_000, 1_000_000  # left out after a restore; a mailbox's id has 31 bits


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except apsw.Error as e:
        raise sqlitefile.translated(e) from e


def dump(folder: Path, file: Path) -> tuple[int, list[str]]:
    """Copies the store; the number of its schema and the keys of the octets outside that it names."""
    with _named():
        source = sqlitefile.connect_reader(folder / sqlitefile.FILE_NAME)
        target = apsw.Connection(str(file))
        try:
            with target.backup("main", source, "main") as copying:
                copying.step(-1)
            target.execute("PRAGMA journal_mode=DELETE").fetchall()  # one file, without a log beside it
            keys = [str(row[0]) for row in target.execute("SELECT place FROM blob WHERE place<>'' AND state=0")]
            number = sqlitefile.schema_number(target)
        finally:
            target.close()
            source.close()
    sync(file)
    return number, keys


def load(file: Path, folder: Path) -> None:
    """Puts a copy in place, with ids from now on that nobody can have seen."""
    path = folder / sqlitefile.FILE_NAME
    fresh = path.with_name(path.name + ".new")
    with _named():
        source = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        target = apsw.Connection(str(fresh))
        try:
            with target.backup("main", source, "main") as copying:
                copying.step(-1)
            skip = f"CASE WHEN name='mailbox' THEN {_MAILBOX_IDS} ELSE {_OTHER_IDS} END"
            target.execute(f"UPDATE sqlite_sequence SET seq=seq+{skip}")
        finally:
            target.close()
            source.close()
    sync(fresh)
    fresh.rename(path)
    sync(folder)


def sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
