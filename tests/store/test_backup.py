"""A backup is complete, whatever goes on meanwhile; a restore can be confused with nothing that was before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.base.clock import SystemClock
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import account, blob, change, fetch, lease, load, mailbox, message, postmaster, queue
from posthaus.store.backup import BLOBS, backup, restore
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.error import Locked, NoBackup, NotEmpty, StoreDown
from posthaus.store.message import Placing
from posthaus.store.postmaster import Act, Which
from posthaus.store.queue import NewErrand, NewParcel, State
from posthaus.store.store import Store
from posthaus.store.verify import verify
from posthaus.testing.storehouse import NOW, Databases, Person, Storehouse, made_up, person

BODY = b"0123456789" * 1_000


@pytest.fixture
async def second(house: Storehouse, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storehouse]:
    """An empty place of the same kind."""
    url = house.url
    if house.kind == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    place = Storehouse(house.kind, url, tmp_path / "second")
    yield place
    await place.close()


async def _outside(store: Store, house: Storehouse, who: Person) -> str:
    """Appends a message whose body lies outside; its key."""
    sized = made_up("large", body=BODY).prepared
    key = f"k{NOW}"
    pending = await store.write(blob.begin, key, sized.size_octets, sized.head_octets, NOW)
    await DiskBlobs(house.folder / BLOBS).write(key, iter([BODY]))
    content = made_up("large", body=BODY, blob=pending)
    await store.write(message.append, content, Placing(who.id, who.inbox, 0), NOW, NOW)
    return key


async def test_there_and_back(house: Storehouse, second: Storehouse, tmp_path: Path) -> None:
    store = await house.open()
    anna = await person(store, "anna")
    other = await store.write(mailbox.create, anna.id, "Öther", r"\Sent", NOW)
    await store.write(message.append, made_up("ä"), Placing(anna.id, other, 5, ("k",)), NOW - 9, NOW)
    key = await _outside(store, house, anna)
    before = await store.read(mailbox.listing, anna.id)
    modseq = await store.read(account.modseq, anna.id)

    taken = await backup(house.url, house.folder, tmp_path / "copy")
    assert taken.blobs == 1
    await store.write(message.append, made_up("later"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    assert await restore(tmp_path / "copy", second.url, second.folder) == []

    again = await second.open()
    columns = ("uid", "flags", "subject", "received", "head", "body")
    for box in (anna.inbox, other):
        rows = await store.read(fetch.placements, box, 1, 9, columns, 1)
        assert await again.read(fetch.placements, box, 1, 9, columns, 9) == rows
    assert await DiskBlobs(second.folder / BLOBS).read(key, 0, len(BODY)) == BODY
    assert await again.read(account.credentials, anna.id) == {"argon2": b"x"}
    after = await again.read(mailbox.listing, anna.id)
    assert [(b.id, b.name, b.special_use, b.uidnext) for b in after] == [
        (b.id, b.name, b.special_use, b.uidnext) for b in before
    ]
    # nothing that a client may remember comes back
    old = {b.uidvalidity for b in before}
    assert all(b.uidvalidity > max(old) and b.modseq > modseq + 1_000 for b in after)
    assert {c.kind for c in await again.read(change.since, anna.id, 0)} == {change.Kind.MAILBOX}
    made = await again.write(mailbox.create, anna.id, "new", "", NOW)
    fresh = await again.read(mailbox.get, made)
    assert made > max(b.id for b in before) + 1_000
    assert fresh.uidvalidity > max(b.uidvalidity for b in after)
    await again.write(message.append, made_up("new"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    messages = [m for _, _, m in await again.read(fetch.listing, anna.inbox)]
    assert messages[-1] > messages[0] + 1_000


async def test_a_backup_is_one_snapshot_while_writers_go_on(
    house: Storehouse, second: Storehouse, tmp_path: Path
) -> None:
    store = await house.open()
    anna = await person(store, "anna")
    over, under_way = False, asyncio.Event()

    async def write_on() -> int:
        n = 0
        while not over:
            await store.write(message.append, made_up(str(n)), Placing(anna.id, anna.inbox, 0), NOW, NOW)
            n += 1
            if n == 20:
                under_way.set()
        return n

    writer = asyncio.create_task(write_on())
    await under_way.wait()
    await backup(house.url, house.folder, tmp_path / "copy")
    over = True
    written = await writer
    assert await restore(tmp_path / "copy", second.url, second.folder) == []
    again = await second.open()
    assert 20 <= (await again.read(mailbox.get, anna.inbox)).total <= written
    assert await again.read(verify) == []


async def test_nothing_is_written_over(house: Storehouse, tmp_path: Path) -> None:
    store = await house.open()
    await person(store, "anna")
    await backup(house.url, house.folder, tmp_path / "copy")
    with pytest.raises(NotEmpty):
        await backup(house.url, house.folder, tmp_path / "copy")
    with pytest.raises(NotEmpty):
        await restore(tmp_path / "copy", house.url, house.folder)
    assert await store.read(account.find, "anna@a.example") is not None


async def test_what_is_no_backup(house: Storehouse, tmp_path: Path) -> None:
    await house.open()
    await backup(house.url, house.folder, tmp_path / "copy")
    wrong = "sqlite:" if house.kind == "postgres" else "postgresql://nowhere/x"
    with pytest.raises(NoBackup):
        await restore(tmp_path / "copy", wrong, tmp_path / "x")
    (tmp_path / "copy" / "backup.json").unlink()
    for place in ("copy", "nowhere"):
        with pytest.raises(NoBackup):
            await restore(tmp_path / place, house.url, tmp_path / "x")


async def test_octets_that_are_missing_are_told(house: Storehouse, second: Storehouse, tmp_path: Path) -> None:
    store = await house.open()
    anna = await person(store, "anna")
    key = await _outside(store, house, anna)
    await backup(house.url, house.folder, tmp_path / "copy")
    (tmp_path / "copy" / BLOBS / key[:2] / key).unlink()
    assert await restore(tmp_path / "copy", second.url, second.folder) == [f"octets outside are missing: {key}"]
    await DiskBlobs(house.folder / BLOBS).remove(key)
    with pytest.raises(StoreDown):
        await backup(house.url, house.folder, tmp_path / "copy2")
    assert not (tmp_path / "copy2" / "backup.json").exists()


async def test_the_sweep_stands_still_meanwhile(house: Storehouse, tmp_path: Path) -> None:
    store = await house.open()
    now_ms = int(SystemClock().now() * 1000)
    await store.write(lease.take, lease.SWEEP, "a", now_ms, now_ms + 60_000)
    waiting = asyncio.create_task(backup(house.url, house.folder, tmp_path / "copy"))
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    await store.write(lease.release, lease.SWEEP, "a")
    await waiting
    await store.write(lease.take, lease.SWEEP, "a", 0, 1)  # and is let go again
    with pytest.raises(Locked):
        await store.write(lease.take, lease.SWEEP, "b", 0, 1)


async def test_what_was_in_the_queue_is_held(house: Storehouse, second: Storehouse, tmp_path: Path) -> None:
    """It may have been sent since."""
    store = await house.open()
    recipients = [Recipient(Address(name, "b.test")) for name in ("bob", "ben")]
    parcel = NewParcel(made_up(), Envelope(None), "t1", 0, NOW + 99, 0)
    await store.write(queue.enqueue, parcel, [NewErrand(one, "mx/b.test", NOW) for one in recipients], NOW)
    assert await store.write(load.claim, "w", NOW, NOW + 300, 1, 1, suspects=True)
    await backup(house.url, house.folder, tmp_path / "copy")
    assert await restore(tmp_path / "copy", second.url, second.folder) == []
    again = await second.open()
    assert await again.write(load.claim, "w", NOW + 999, NOW + 1_999, 1, 1, suspects=True) == []
    held = await again.read(postmaster.listing, Which(state=State.HELD), 0, 9)
    assert [one.errand.recipient for one in held] == recipients
    await again.write(postmaster.act, Act.RELEASE, Which(), 0, 9, NOW + 999)
    (claimed,) = await again.write(load.claim, "w", NOW + 999, NOW + 1_999, 1, 9, suspects=True)
    assert len(claimed.claims[0].errands) == 2
