"""Backup and restore, for both drivers.

A backup is taken while the server runs, and is complete: the rows are one snapshot, and while it is taken the sweep
stands still, so all octets outside that they name are still there. It is a folder:

    backup.json     written last: a backup without it is none
    store.db        SQLite, or
    tables/         PostgreSQL, a file for each table
    blobs/          octets outside; hard links where that can be, for nobody ever changes them

A restore raises what clients remember: every UIDVALIDITY, every MODSEQ, and the ids that come next. What was given out
between the backup and the loss can so never be taken for something else. What is in the queue is held: it may have been
sent since the backup, and only a person can tell whether it should be sent again.

Standards: RFC 9051 §2.3.1.1 (UIDVALIDITY).
Faults:    NotEmpty, NoBackup, Locked (the sweep does not end); StoreDown, StoreFull.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posthaus.base import limit
from posthaus.base.chance import SystemChance
from posthaus.base.clock import Clock, SystemClock
from posthaus.base.task import end_tasks
from posthaus.store import change, lease, queue
from posthaus.store.drivers import sqlitecopy, sqlitefile
from posthaus.store.error import Locked, NoBackup, NotEmpty, StoreDown
from posthaus.store.store import Store, is_postgres, open_store
from posthaus.store.tx import Tx
from posthaus.store.verify import verify

BLOBS = "blobs"
_SHEET = "backup.json"
_TABLES = "tables"
_FORMAT = 1
_MODSEQ_LEAP = 1_000_000  # more than an account writes between two backups
_RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds."""

    schema: int
    blobs: int  # octets outside, in pieces


# -- backup --------------------------------------------------------------------------------------------------------


async def backup(url: str, folder: Path, dest: Path, *, clock: Clock | None = None) -> Taken:
    """Copies the store at url and folder (as open_store has them) to dest, which must be new or empty."""
    clock = clock or SystemClock()
    await asyncio.to_thread(_new_folder, dest)
    store = await open_store(url, folder)
    try:
        async with _no_sweep(store, clock):
            sheet: dict[str, Any] = {"format": _FORMAT, "made": int(clock.now())}
            if is_postgres(url):
                from posthaus.store.drivers import postgrescopy

                (dest / _TABLES).mkdir()
                number, tables, keys = await postgrescopy.dump(url, dest / _TABLES)
                sheet.update(driver="postgres", schema=number, tables=tables)
            else:
                number, keys = await asyncio.to_thread(sqlitecopy.dump, folder, dest / sqlitefile.FILE_NAME)
                sheet.update(driver="sqlite", schema=number)
            await asyncio.to_thread(_copy_blobs, folder / BLOBS, dest / BLOBS, keys)
    finally:
        await store.close()
    await asyncio.to_thread(_write_sheet, dest, {**sheet, "blobs": len(keys)})
    return Taken(number, len(keys))


@asynccontextmanager
async def _no_sweep(store: Store, clock: Clock) -> AsyncIterator[None]:
    """Holds the sweep's lease, and says at the end whether it was held all the time."""
    owner = f"backup/{SystemChance().name(16)}"

    async def take() -> None:
        now_ms = int(clock.now() * 1000)
        await store.write(lease.take, lease.SWEEP, owner, now_ms, now_ms + int(limit.SWEEP_LEASE_S * 1000))

    async def renew() -> None:
        while True:
            await asyncio.sleep(limit.SWEEP_LEASE_S / 4)
            await take()

    deadline = clock.monotonic() + limit.SWEEP_LEASE_S
    while True:
        try:
            await take()
            break
        except Locked:
            if clock.monotonic() > deadline:
                raise
            await asyncio.sleep(_RETRY_S)
    renewing = asyncio.create_task(renew())
    try:
        yield
        if renewing.done():
            raise StoreDown("the sweep could not be kept still; the backup may lack octets") from renewing.exception()
    finally:
        await end_tasks([renewing])
        await store.write(lease.release, lease.SWEEP, owner)


def _new_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise NotEmpty(str(folder))


def _copy_blobs(source: Path, dest: Path, keys: Iterable[str]) -> None:
    """Links, or copies and syncs; each folder is synced once."""
    made = set()
    for key in keys:
        target = dest / key[:2] / key
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made.add(target.parent)
        try:
            os.link(source / key[:2] / key, target)
        except FileNotFoundError as e:
            raise StoreDown(f"octets outside are missing: {key}") from e
        except OSError:  # another file system, or one that knows no links
            shutil.copyfile(source / key[:2] / key, target)
            sqlitecopy.sync(target)
    for folder in [*made, dest] if made else []:
        sqlitecopy.sync(folder)


def _write_sheet(dest: Path, sheet: dict[str, Any]) -> None:
    (dest / _SHEET).write_text(json.dumps(sheet, indent=2) + "\n", "utf-8")
    for path in (dest / _SHEET, dest, dest.parent):
        sqlitecopy.sync(path)


# -- restore -------------------------------------------------------------------------------------------------------


async def restore(src: Path, url: str, folder: Path, *, clock: Clock | None = None) -> list[str]:
    """Makes the store at url and folder from a backup of the same driver; what is broken in it, in words.

    Nothing may be there yet. A restore that fails leaves a folder or database that has to be emptied by hand.
    """
    clock = clock or SystemClock()
    sheet = await asyncio.to_thread(_read_sheet, src)
    if (sheet["driver"] == "postgres") != is_postgres(url):
        raise NoBackup(f"this is a backup of {sheet['driver']}")
    await asyncio.to_thread(_must_be_new, folder)
    keys = [path.name for path in (src / BLOBS).glob("*/*")]
    await asyncio.to_thread(_copy_blobs, src / BLOBS, folder / BLOBS, keys)
    if is_postgres(url):
        from posthaus.store.drivers import postgrescopy

        await postgrescopy.load(src / _TABLES, url, sheet["schema"], sheet["tables"])
    else:
        await asyncio.to_thread(sqlitecopy.load, src / sqlitefile.FILE_NAME, folder)
    store = await open_store(url, folder)
    try:
        await _raise_all(store, int(clock.now()))
        named = set(await store.read(_outside))
        missing = [f"octets outside are missing: {key}" for key in sorted(named - set(keys))]
        return await store.read(verify) + missing
    finally:
        await store.close()


def _read_sheet(src: Path) -> dict[str, Any]:
    try:
        sheet: dict[str, Any] = json.loads((src / _SHEET).read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise NoBackup(f"{src}: no backup, or one that was not finished") from e
    if sheet.get("format") != _FORMAT:
        raise NoBackup(f"{src}: made by a later release")
    return sheet


def _must_be_new(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / sqlitefile.FILE_NAME).exists() or any((folder / BLOBS).glob("*/*")):
        raise NotEmpty(f"there is a store in {folder}")


async def _outside(tx: Tx) -> list[str]:
    return [row[0] for row in await tx.all("SELECT place FROM blob WHERE place<>'' AND state=0")]


async def _raise_all(store: Store, now: int) -> None:
    """Account by account."""
    await store.write(_end_leases)
    account = 0
    while account := await store.write(_raise_next, account, now):
        pass


async def _end_leases(tx: Tx) -> None:
    await tx.run("DELETE FROM lease")
    await queue.hold_all(tx)


async def _raise_next(tx: Tx, after: int, now: int) -> int:
    """UIDVALIDITY and MODSEQ of one account and its mailboxes; its id, or 0 where there are no more.

    The book of changes ends: a client that asks for what came after its state learns that it has to begin anew.
    """
    row = await tx.one("SELECT id, uidvalidity, modseq FROM account WHERE id>$1 ORDER BY id LIMIT 1", after)
    if row is None:
        return 0
    account: int
    account, uidvalidity, modseq = row
    uidvalidity, modseq = max(uidvalidity, now), modseq + _MODSEQ_LEAP
    await tx.run("DELETE FROM change WHERE account=$1", account)
    for (mailbox,) in await tx.all("SELECT id FROM mailbox WHERE account=$1 ORDER BY id", account):
        uidvalidity += 1
        await tx.run("UPDATE mailbox SET uidvalidity=$2, modseq=$3 WHERE id=$1", mailbox, uidvalidity, modseq)
        await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)
    await tx.run("UPDATE account SET uidvalidity=$2, modseq=$3 WHERE id=$1", account, uidvalidity, modseq)
    return account
