"""Reports of other servers: entered beside what they speak of, and believed no more than they may be."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.flow.test_queue import NOW as START
from tests.flow.test_queue import make_office

from posthaus.base import limit
from posthaus.flow import report
from posthaus.mail.address import Address
from posthaus.mail.dsn import Cover, render_dsn
from posthaus.mail.envelope import Envelope
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.prepare import prepare
from posthaus.store import record, suppression
from posthaus.store.record import Entry, Kind
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, person

ANNA, OTTO = Address("anna", "a.example"), Address("otto", "b.example")
ACCOUNT = 3
NULL = Envelope(None)
LATER = NOW + 3 * 86_400
COVER = Cover(Address("postmaster", "mx.b.example"), ANNA, LATER, "d1@mx.b.example", "q" * 26)
ORIGINAL = Original(b"Subject: x\r\nMessage-ID: <m1@a.example>\r\n", False)
FAILED = Fate("otto@b.example", Action.FAILED, "5.1.1", said="550 5.1.1 gone")

ARF = b"""Content-Type: multipart/report; report-type=feedback-report; boundary=x\r
\r
--x\r
\r
complaint\r
--x\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: Agent/1\r
Original-Rcpt-To: <Otto@b.example>\r
\r
--x\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: <m1@a.example>\r
--x--\r
"""


@pytest.fixture
async def sent(store: Store) -> Store:
    """A message of three days ago, in the record."""
    entries = [
        Entry("t1", NOW, Kind.SUBMITTED, ANNA.key, {"account": ACCOUNT}, "m1@a.example"),
        Entry("t1", NOW, Kind.QUEUED, OTTO.key),
        Entry("t1", NOW + 1, Kind.RELAYED, OTTO.key),
    ]
    await store.write(record.write, entries)
    return store


def _dsn(*fates: Fate, original: Original = ORIGINAL) -> bytes:
    return render_dsn(Dsn("mx.b.example", fates), original, COVER)


async def _take(store: Store, octets: bytes, envelope: Envelope = NULL) -> list[Entry]:
    """As flow/deliver.py does; what is in the record afterwards that was not before."""
    heard = report.hear(octets, prepare(octets), envelope)
    if heard is not None:
        await store.write(report.note, heard, LATER)
    return (await store.read(record.of_transaction, "t1", NOW, LATER))[3:]


async def test_late_bounce(sent: Store) -> None:
    (only,) = await _take(sent, _dsn(FAILED))
    assert (only.kind, only.address) == (Kind.REPORTED, OTTO.key)
    assert only.words == {"action": "failed", "status": "5.1.1", "text": "550 5.1.1 gone", "host": "mx.b.example"}
    (entry,) = await sent.read(suppression.listing, ACCOUNT)
    assert entry.key == OTTO.key and entry.until == LATER + limit.SUPPRESSION_REPORTED_S
    assert entry.reason == "mx.b.example reported later: 550 5.1.1 gone"


async def test_another_address_than_ours(sent: Store) -> None:
    """Behind a forward: the address that we wrote to is the original one."""
    moved = replace(FAILED, address="o@elsewhere.example", original="rfc822;Otto@b.example")
    assert [one.address for one in await _take(sent, _dsn(moved))] == [OTTO.key]


async def test_success_suppresses_nothing(sent: Store) -> None:
    (only,) = await _take(sent, _dsn(replace(FAILED, action=Action.DELIVERED, status="2.0.0")))
    assert only.words["action"] == "delivered"
    assert await sent.read(suppression.listing) == []


@pytest.mark.parametrize(
    ("octets", "envelope"),
    [
        (_dsn(replace(FAILED, address="someone@b.example")), Envelope(None)),  # not one of its recipients
        (_dsn(replace(FAILED, address="\x00")), Envelope(None)),
        (_dsn(FAILED, original=Original(b"Message-ID: <m2@a.example>\r\n", False)), Envelope(None)),
        (_dsn(FAILED, original=Original(b"", False)), Envelope(None)),
        (_dsn(FAILED), Envelope(OTTO)),  # RFC 3461 §6.1
        (b"Subject: x\r\n\r\nhello", Envelope(None)),
        (ARF.replace(b"m1@", b"m2@"), Envelope(OTTO)),
    ],
)
async def test_not_believed(sent: Store, octets: bytes, envelope: Envelope) -> None:
    assert await _take(sent, octets, envelope) == []
    assert await sent.read(suppression.listing) == []


async def test_complaint(sent: Store) -> None:
    (only,) = await _take(sent, ARF, Envelope(OTTO))
    assert (only.kind, only.address, only.words) == (
        Kind.COMPLAINED, OTTO.key, {"feedback": "abuse", "agent": "Agent/1"}
    )  # fmt: skip


def test_too_large_to_be_read() -> None:
    octets = _dsn(FAILED, original=Original(b"Message-ID: <m1@a.example>\r\n\r\n" + b"x" * 5_000_000, True))
    assert report.hear(octets, prepare(octets), Envelope(None)) is None


async def test_a_report_that_is_quicker_than_our_own_settling(store: Store, tmp_path: Path) -> None:
    """What was said last of this message counts, though it is written first; another one that is taken ends it."""
    office = await make_office(store, tmp_path, await person(store, "anna"))
    entries = [
        Entry("tid-otto@b.example", START, Kind.SUBMITTED, ANNA.key, {"account": office.anna.id}, "m1@a.example"),
        Entry("tid-otto@b.example", START, Kind.QUEUED, OTTO.key),
    ]
    await store.write(record.write, entries)
    office.network.gate.clear()
    office.runner.start()
    await office.put("otto@b.example")
    await office.sent(1)
    heard = report.hear(octets := _dsn(FAILED), prepare(octets), NULL)
    assert heard is not None and await store.write(report.note, heard, START) == 1
    office.network.gate.set()
    await office.left(0)
    (entry,) = await store.read(suppression.listing, office.anna.id)
    assert (entry.key, entry.until) == (OTTO.key, START + limit.SUPPRESSION_REPORTED_S)
    await store.write(record.forget, START + 2 * 86_400, 99)  # the name of the next message is the same here
    await office.put("otto@b.example")
    await office.left(0)
    await office.runner.stop(0)
    assert await store.read(suppression.listing, office.anna.id) == []


@pytest.mark.parametrize(
    "octets", [ARF, b"Content-Type: multipart/Report\r\n\r\n", b"Content-Type: application/tlsrpt+gzip"]
)
def test_what_may_speak(octets: bytes) -> None:
    assert report.may_speak(octets)
    assert report.may_speak(memoryview(octets))
    assert not report.may_speak(octets + b" " * limit.REPORT_MESSAGE_OCTETS)  # it would not be read


def test_what_cannot_speak() -> None:
    assert not report.may_speak(b"Subject: hello\r\n\r\nwords\r\n")
