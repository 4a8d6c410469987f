"""The sweep: all that is past its horizon and nothing else, by one worker at a time."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.base.setting import StoreSetting
from posthaus.base.unit import Duration
from posthaus.flow.sweep import Counts, run_sweep, sweep_once
from posthaus.mail.address import Address
from posthaus.mail.prepare import prepare
from posthaus.mail.structure import VERSION
from posthaus.mail.tlsrpt import Policy, Report
from posthaus.store import (
    account,
    blob,
    change,
    fetch,
    lease,
    mailbox,
    mark,
    message,
    record,
    rescan,
    sending,
    suppression,
    tlsreport,
)
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.error import Locked
from posthaus.store.message import Content, Placing
from posthaus.store.record import Entry, Kind
from posthaus.store.store import Store
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import NOW, made_up, person

DAY = 86_400
SETTING = StoreSetting()


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "blobs")


def _clock(days: float = 0) -> JumpClock:
    return JumpClock(NOW + days * DAY, frozen=True)


async def test_nothing_to_do(store: Store, blobs: DiskBlobs) -> None:
    await person(store, "anna")
    counts = await sweep_once(store, blobs, _clock(), SETTING)
    assert counts == Counts() and not counts.any


async def test_the_horizons(store: Store, blobs: DiskBlobs) -> None:
    anna = await person(store, "anna")
    for i in range(3):
        await store.write(message.append, made_up(f"mail {i}" * 100), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 2)], NOW, only_deleted=False)

    async def after(days: float) -> Counts:
        return await sweep_once(store, blobs, _clock(days), SETTING)

    assert await after(0.9) == Counts()
    assert await after(1.1) == Counts(packed=3)
    assert await after(13.9) == Counts()
    assert (await store.read(fetch.tombstone, anna.inbox, 1, ("subject",))) == ("mail 0" * 100,)
    assert await after(14.1) == Counts(emails=2)
    assert await after(89.9) == Counts()
    book = len(await store.read(change.since, anna.id, 0))
    assert await after(90.1) == Counts(tombstones=2, changes=book)
    row = await store.read(fetch.one, anna.inbox, 3, ("body", "packing"))
    assert row is not None and blob.unpack(*row) == b"mail 2" * 100 + b"\r\n"


async def test_what_is_told_of_mail_on_its_way_out(store: Store, blobs: DiskBlobs) -> None:
    address = Address("otto", "b.example")
    await store.write(record.write, [Entry("t1", NOW, Kind.QUEUED, address.key)])
    await store.write(suppression.failed, 1, address, "5.1.1", "no", NOW)
    assert await sweep_once(store, blobs, _clock(29.9), SETTING) == Counts()
    assert await sweep_once(store, blobs, _clock(31.1), SETTING) == Counts(records=1)
    assert await sweep_once(store, blobs, _clock(209.9), SETTING) == Counts()
    assert await sweep_once(store, blobs, _clock(210.1), SETTING) == Counts(suppressions=1)


async def test_correspondents(store: Store, blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a day; who was written to again stays."""
    monkeypatch.setattr(limit, "SWEEP_ROWS", 2)
    day = 86_400
    anna, ben = (await person(store, "anna")).id, (await person(store, "ben")).id
    for who in (anna, ben):
        await store.write(sending.count, who, ["1@b", "2@b", "3@b"], NOW)
        await store.write(sending.count, who, ["2@b"], NOW + 9 * day)
    two_years = limit.KEEP_CORRESPONDENT_S / day
    assert await sweep_once(store, blobs, _clock(two_years - 0.1), SETTING) == Counts()
    assert await sweep_once(store, blobs, _clock(two_years + 1.1), SETTING) == Counts(correspondents=4)
    assert await sweep_once(store, blobs, _clock(two_years + 1.2), SETTING) == Counts()
    for who in (anna, ben):
        assert [await store.read(sending.is_stranger, who, one) for one in ("1@b", "2@b", "3@b")] == [True, False, True]


async def test_correspondents_though_the_last_round_was_on_a_day_yet_to_come(store: Store, blobs: DiskBlobs) -> None:
    await store.write(sending.count, (await person(store, "anna")).id, ["1@b"], NOW)
    await store.write(mark.put, "correspondents", NOW)
    two_years = limit.KEEP_CORRESPONDENT_S / 86_400
    assert await sweep_once(store, blobs, _clock(two_years + 1.1), SETTING) == Counts(correspondents=1)


async def test_reports_of_tls(store: Store, blobs: DiskBlobs) -> None:
    await person(store, "anna")  # makes the domain
    report = Report("B", "", "1", NOW, NOW + 1, (Policy("sts", "a.example", successes=1),))
    assert await store.write(tlsreport.put, report, NOW) == 1
    assert await sweep_once(store, blobs, _clock(89.9), SETTING) == Counts()
    assert await sweep_once(store, blobs, _clock(91.1), SETTING) == Counts(tls_reports=1)


async def test_gone_at_once_where_the_admin_wants_it_so(store: Store, blobs: DiskBlobs) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    setting = StoreSetting(keep_octets=Duration(0.0))
    assert (await sweep_once(store, blobs, _clock(), setting)).emails == 1


async def test_accounts_mailboxes_and_blobs(store: Store, blobs: DiskBlobs) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    size = made_up(body=b"x").prepared
    for key, who in (("named", anna), ("also", ben)):
        pending = await store.write(blob.begin, key, size.size_octets, size.head_octets, NOW)
        await blobs.write(key, iter([b"x"]))
        content = made_up(body=b"x", blob=pending)
        await store.write(message.append, content, Placing(who.id, who.inbox, 0), NOW, NOW)
    await store.write(blob.begin, "never written", 5, 0, NOW)
    await store.write(mailbox.create, ben.id, "Old", "", NOW)
    await store.write(mailbox.remove, ben.id, "Old", NOW)
    await store.write(account.mark_removed, anna.id)
    await store.write(lease.take, "drop", "dead/1", 0, 1)

    counts = await sweep_once(store, blobs, _clock(), SETTING)
    assert counts.accounts > 0
    assert (counts.mailboxes, counts.blobs, counts.leases) == (1, 1, 1)  # the pending one is too young
    later = await sweep_once(store, blobs, _clock(0.1), SETTING)
    assert later == Counts(blobs=1)
    assert await blobs.read("also", 0, 1) == b"x"
    assert await sweep_once(store, blobs, _clock(0.2), SETTING) == Counts()


async def test_more_than_one_piece(store: Store, blobs: DiskBlobs) -> None:
    anna = await person(store, "anna")
    n = limit.SWEEP_ROWS + 30
    for _ in range(n // 10):
        await store.write(message.deliver, made_up(), [Placing(anna.id, anna.inbox, 0)] * 10, NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, n)], NOW, only_deleted=False)
    counts = await sweep_once(store, blobs, _clock(91), SETTING)
    assert (counts.tombstones, counts.emails) == (n, n // 10)


async def test_one_worker_at_a_time(store: Store, blobs: DiskBlobs) -> None:
    await store.write(lease.take, lease.SWEEP, "other", 0, (NOW + 1) * 1000)
    with pytest.raises(Locked):
        await sweep_once(store, blobs, _clock(), SETTING, owner="me")
    await sweep_once(store, blobs, _clock(1), SETTING, owner="me")  # its lease ran out
    await store.write(lease.take, lease.SWEEP, "other", 0, 1)  # and mine is given back


class _Stubborn:
    """Octets outside that cannot be taken away at first."""

    def __init__(self, blobs: DiskBlobs) -> None:
        self.blobs = blobs
        self.broken = True
        self.write, self.read = blobs.write, blobs.read

    async def remove(self, key: str) -> None:
        if self.broken:
            raise ValueError("broken")
        await self.blobs.remove(key)


async def test_the_loop_outlives_a_round_that_fails(store: Store, blobs: DiskBlobs) -> None:
    stubborn = _Stubborn(blobs)
    await store.write(blob.begin, "k", 1, 0, NOW)
    clock = _clock(1)
    lines: list[str] = []
    failed, done = asyncio.Event(), asyncio.Event()

    def sink(line: str) -> None:
        lines.append(line)
        (failed if "sweep.defect" in line else done).set()

    loop = asyncio.create_task(run_sweep(store, stubborn, clock, SETTING, Log(clock, sink), every_s=0.001))
    async with asyncio.timeout(20):
        await failed.wait()
        stubborn.broken = False
        await done.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert " blobs=1 " in lines[-1]


async def test_mail_of_an_older_scan_is_scanned_again(store: Store, blobs: DiskBlobs) -> None:
    anna = await person(store, "anna")
    octets = b"Subject: =?utf-8?q?gr=C3=BCn?=\r\n\r\n" + b"some text\r\n"
    now = prepare(octets)
    old = replace(now, version=0, envelope=b"(old)", subject="old", preview="old")
    large = await store.write(blob.begin, "large", now.size_octets, now.head_octets, NOW)
    await blobs.write("large", iter([octets[now.head_octets :]]))
    packed, packing = octets[now.head_octets :], blob.PLAIN
    for body, outside in ((packed, 0), (b"", large)):
        content = Content(old, b"Received: x\r\n", octets[: now.head_octets], body, packing, outside)
        await store.write(message.append, content, Placing(anna.id, anna.inbox, 0), NOW, NOW)
    assert (await sweep_once(store, blobs, _clock(), SETTING)).rescanned == 2
    columns = ("version", "envelope", "subject", "preview")
    for uid in (1, 2):
        assert await store.read(fetch.one, anna.inbox, uid, columns) == (now.version, now.envelope, "grün", "some text")
    assert (await sweep_once(store, blobs, _clock(), SETTING)).rescanned == 0
    assert await store.read(mark.read, f"scan/{VERSION}") == await store.read(rescan.last)
