"""SQLite in bad times: a full disk, a lost file, a lock that somebody holds."""

import asyncio
import fcntl
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from posthaus.store import account, directory, fetch, mailbox, message
from posthaus.store.drivers import sqlitefile
from posthaus.store.drivers.sqlite import SqliteStore
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.message import Placing
from posthaus.store.tx import Tx
from posthaus.store.verify import verify
from posthaus.testing.storehouse import NOW, Person, made_up, person

_numbers = itertools.count()


class BadDisk(apsw.VFS):
    """A file layer that has no room, or fails, when it is told to."""

    def __init__(self) -> None:
        self.name = f"bad{next(_numbers)}"
        self.room: int | None = None  # octets by which files may still grow
        self.fault: type[apsw.Error] | None = None
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if self.fault is not None:
            raise apsw.CantOpenError("bad disk")
        return BadFile(self, name, flags)


class BadFile(apsw.VFSFile):
    def __init__(self, disk: BadDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self.disk.fault is not None:
            raise self.disk.fault("bad disk")
        if self.disk.room is not None:
            growth = max(0, offset + len(data) - self.xFileSize())
            if self.disk.room < growth:
                raise apsw.FullError("no room")
            self.disk.room -= growth
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:
        if self.disk.fault is not None:
            raise self.disk.fault("bad disk")
        return super().xRead(amount, offset)


@pytest.fixture
def disk() -> Iterator[BadDisk]:
    disk = BadDisk()
    yield disk
    disk.unregister()


@pytest.fixture
async def store(disk: BadDisk, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(tmp_path, vfs=disk.name, patience_s=0.2)
    yield store
    assert await store.read(verify) == []
    await store.close()


def _big(who: Person, octets: int) -> tuple[message.Content, Placing, int, int]:
    return made_up(body=os.urandom(octets)), Placing(who.id, who.inbox, 0), NOW, NOW


async def _count(store: SqliteStore, who: Person) -> int:
    return (await store.read(mailbox.get, who.inbox)).total


async def test_a_full_disk_refuses_what_needs_room_and_nothing_else(store: SqliteStore, disk: BadDisk) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, *_big(anna, 100))
    disk.room = 150_000
    results = await asyncio.gather(
        store.write(account.set_quota, anna.id, 7_000_000),
        store.write(message.append, *_big(anna, 1_000_000)),
        store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False),
        store.write(message.append, *_big(anna, 1_000_000)),
        store.write(directory.add_domain, "b.example", NOW),
        return_exceptions=True,
    )
    assert [type(r) for r in results] == [type(None), StoreFull, tuple, StoreFull, type(None)]
    assert await _count(store, anna) == 0
    assert (await store.read(account.get, anna.id)).quota_octets == 7_000_000
    assert await store.read(verify) == []
    disk.room = 0
    with pytest.raises(StoreFull):
        await store.write(message.append, *_big(anna, 1_000_000))
    disk.room = None
    placed = await store.write(message.append, *_big(anna, 1_000_000))
    assert placed.uid == 2
    assert len((await store.read(fetch.one, anna.inbox, 2, ("body",)) or [b""])[0]) == 1_000_000


async def _limit_pages(tx: Tx, pages: int) -> None:
    await tx.run(f"PRAGMA max_page_count={pages}")


async def test_a_transaction_that_sqlite_gives_up(store: SqliteStore) -> None:
    """Here the statement fails, not COMMIT, and all the transaction with it."""
    anna = await person(store, "anna")
    await store.write(_limit_pages, 120)
    results = await asyncio.gather(
        *[store.write(message.append, *_big(anna, n)) for n in (1_000, 900_000, 2_000, 800_000)],
        return_exceptions=True,
    )
    assert [isinstance(r, StoreFull) for r in results] == [False, True, False, True]
    assert await _count(store, anna) == 2
    with pytest.raises(StoreFull):
        await store.write(message.append, *_big(anna, 900_000))
    await store.write(_limit_pages, 1_000_000)
    await store.write(message.append, *_big(anna, 900_000))
    assert await _count(store, anna) == 3


@pytest.mark.parametrize("fault", [apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError])
async def test_a_lost_disk_and_its_return(store: SqliteStore, disk: BadDisk, fault: type[apsw.Error]) -> None:
    anna = await person(store, "anna")
    disk.fault = fault
    results = await asyncio.gather(
        *[store.write(message.append, *_big(anna, 5_000)) for _ in range(3)], return_exceptions=True
    )
    assert {type(r) for r in results} == {StoreDown}
    disk.fault = None
    await store.write(message.append, *_big(anna, 5_000))
    assert await _count(store, anna) == 1


async def test_the_reader_comes_back_too(store: SqliteStore, disk: BadDisk, tmp_path: Path) -> None:
    anna = await person(store, "anna")
    other = await SqliteStore.open(tmp_path, vfs=disk.name)
    disk.fault = apsw.IOError
    for way in (other.read, other.scan):
        with pytest.raises(StoreDown):
            await way(fetch.listing, anna.inbox)
    disk.fault = None
    for way in (other.read, other.scan):
        assert await way(fetch.listing, anna.inbox) == []
    await other.close()


def _mapped_octets(path: Path) -> int:
    """Of a file, in the memory of this process."""
    octets, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0]:
            is_ours = words[-1] == str(path)
        elif is_ours and words[0] == "Rss:":
            octets += int(words[1]) * 1024
    return octets


async def _bodies(tx: Tx, who: Person) -> list[bytes]:
    return [row[0] for row in await fetch.placements(tx, who.inbox, 1, 100, ("body",), 100)]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="tells what is mapped")
async def test_what_a_scan_has_mapped_is_given_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    anna = await person(store, "anna")
    for _ in range(3):
        await store.write(message.append, *_big(anna, 1_000_000))
    bodies = await store.read(_bodies, anna)
    await store.close()  # all of the log is in the file now
    store = await SqliteStore.open(tmp_path)
    for _ in range(2):
        assert await store.scan(_bodies, anna) == bodies
        assert _mapped_octets(tmp_path / sqlitefile.FILE_NAME) > 3_000_000
        for _ in range(5):
            store._give_back()
        assert _mapped_octets(tmp_path / sqlitefile.FILE_NAME) == 0
    await store.write(message.append, *_big(anna, 1_000_000))  # and the file may grow under the mapping
    assert (await store.scan(_bodies, anna))[:3] == bodies
    assert len(await store.scan(_bodies, anna)) == 4
    assert await store.read(verify) == []
    await store.close()


async def test_a_lock_that_somebody_holds(store: SqliteStore, tmp_path: Path) -> None:
    anna = await person(store, "anna")
    lock = os.open(tmp_path / sqlitefile.LOCK_NAME, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    results = await asyncio.gather(*[store.write(account.advance, anna.id) for _ in range(3)], return_exceptions=True)
    assert {type(r) for r in results} == {StoreBusy}
    with pytest.raises(StoreBusy):
        await SqliteStore.open(tmp_path, patience_s=0.05)
    waiting = asyncio.create_task(store.write(account.advance, anna.id))
    await asyncio.sleep(0)
    assert not waiting.done()
    os.close(lock)
    await waiting
    assert await store.read(account.modseq, anna.id) == await waiting


async def test_a_stranger_who_knows_no_lock_file(store: SqliteStore, tmp_path: Path) -> None:
    anna = await person(store, "anna")
    stranger = apsw.Connection(str(tmp_path / sqlitefile.FILE_NAME))
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.write(account.advance, anna.id)
    assert await store.read(account.modseq, anna.id) > 0  # readers do not wait
    waiting = asyncio.create_task(store.write(account.advance, anna.id))
    await asyncio.sleep(0)
    stranger.execute("COMMIT")
    stranger.close()
    await waiting


async def test_a_slow_commit_goes_to_a_thread(store: SqliteStore) -> None:
    anna = await person(store, "anna")
    store._commit_mean_s = 1.0
    first = asyncio.create_task(store.write(account.advance, anna.id))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(store.write(account.advance, anna.id))
    modseq = await store.read(account.modseq, anna.id)  # while it is under way
    assert (await first, await second) in ((modseq, modseq + 1), (modseq + 1, modseq + 2))


async def test_a_busy_loop_gathers_writes_and_answers_each(store: SqliteStore) -> None:
    """After a commit for several the next one waits for others, each of which comes in a turn of its own."""
    anna = await person(store, "anna")
    await asyncio.gather(*[store.write(message.append, *_big(anna, n)) for n in (10, 20)])
    waiting = []
    for n in range(10):
        waiting.append(asyncio.ensure_future(store.write(message.append, *_big(anna, 100 + n))))
        await asyncio.sleep(0)
        busy_until = time.perf_counter() + 0.0003
        while time.perf_counter() < busy_until:
            pass
    placed = await asyncio.gather(*waiting)
    assert [one.uid for one in placed] == list(range(3, 13))
    assert await _count(store, anna) == 12


async def test_checkpoints_keep_the_log_short(store: SqliteStore, tmp_path: Path) -> None:
    anna = await person(store, "anna")
    log = tmp_path / f"{sqlitefile.FILE_NAME}-wal"
    written, sizes = 0, []
    while written < 96_000_000:
        await store.write(message.append, *_big(anna, 4_000_000))
        written += 4_000_000
        sizes.append(log.stat().st_size)
    assert sizes[-1] == max(sizes) < written * 0.85


async def test_little_space_lets_nothing_in_but_lets_go(store: SqliteStore) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, *_big(anna, 100))
    store._low_space = True
    for call in (
        store.write(message.append, *_big(anna, 1)),
        store.write(message.deliver, made_up(), [Placing(anna.id, anna.inbox, 0)], NOW),
        store.write(message.copy, anna.id, anna.inbox, [(1, 1)], anna.inbox, NOW, move=False),
    ):
        with pytest.raises(StoreFull):
            await call
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await _count(store, anna) == 0


async def test_the_log_is_long_from_the_start_and_holds_what_was_committed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    anna = await person(store, "anna")
    log = tmp_path / f"{sqlitefile.FILE_NAME}-wal"
    length = log.stat().st_size
    await store.write(message.append, *_big(anna, 100))
    assert log.stat().st_size == length  # the commit had room in it
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in (sqlitefile.FILE_NAME, log.name):  # what a disk holds after a power cut
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    again = await SqliteStore.open(crashed)
    assert await _count(again, anna) == 1
    await again.write(message.append, *_big(anna, 100))
    assert await again.read(verify) == []
    await again.close()
    await store.close()
