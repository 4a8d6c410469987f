"""Who is told what, and where it goes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow import bounce
from posthaus.flow.bounce import Mailing, Notice
from posthaus.flow.login import Login
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.mail.address import Address
from posthaus.mail.dsn import ReadDsn, read_dsn
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.fate import Action, Fate
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import account, blob, directory
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import NOW, Person, person

ANNA, OTTO = Address("anna", "a.example"), Address("otto", "b.example")
HERE = Here("mail.a.example")
FAILED = Outcome(Kind.FAILED, 550, "5.1.1", "no such user", "mx.b.example", "192.0.2.1")
LATE = Outcome(Kind.DEFERRED, text="it timed out", blames_host=True)
RELAYED = Outcome(Kind.RELAYED, 250, "2.0.0", "ok", "mx.b.example")
DELIVERED = Outcome(Kind.DELIVERED)


def _owed(outcome: Outcome, *notify: str, sender: Address | None = ANNA, account: int = 1) -> list[Action]:
    results = [(Recipient(OTTO, notify=frozenset(notify)), outcome)]
    return [fate.action for fate in bounce.owed(Envelope(sender), account, results, at=NOW)]


def test_notify() -> None:
    """RFC 3461 §4.1"""
    assert _owed(FAILED) == _owed(FAILED, "FAILURE") == [Action.FAILED]
    assert _owed(FAILED, "NEVER") == _owed(FAILED, "SUCCESS", "DELAY") == []
    assert _owed(LATE) == _owed(LATE, "DELAY") == [Action.DELAYED]
    assert _owed(LATE, "NEVER") == _owed(LATE, "FAILURE") == []
    assert _owed(DELIVERED) == _owed(DELIVERED, "FAILURE") == []
    assert _owed(DELIVERED, "SUCCESS", "FAILURE") == [Action.DELIVERED]


def test_relayed() -> None:
    """RFC 3461 §5.2.2: only where the next server will not tell."""
    assert _owed(RELAYED, "SUCCESS") == [Action.RELAYED]
    assert _owed(replace(RELAYED, has_dsn=True), "SUCCESS") == _owed(RELAYED) == []


def test_no_backscatter() -> None:
    """RFC 5321 §6.1: no bounce is answered; a stranger hears of failure alone."""
    for outcome in (FAILED, LATE, RELAYED, DELIVERED):
        assert _owed(outcome, "SUCCESS", "FAILURE", "DELAY", sender=None) == []
    assert _owed(RELAYED, "SUCCESS", account=0) == _owed(DELIVERED, "SUCCESS", account=0) == []
    assert _owed(FAILED, account=0) == [Action.FAILED]


def test_received() -> None:
    """RFC 3461 §5.2.7.3: a group is expanded, its members are not told of."""
    asks = Recipient(OTTO, notify=frozenset({"SUCCESS"}))
    fates = bounce.received(Envelope(ANNA), [(asks, False), (asks, True), (Recipient(OTTO), False)], at=NOW)
    assert [fate.action for fate in fates] == [Action.DELIVERED, Action.EXPANDED]
    assert fates[0].status == "2.0.0" and fates[0].last_attempt is None
    assert bounce.received(Envelope(None), [(asks, False)], at=NOW) == ()


def test_what_is_said() -> None:
    recipient = Recipient(OTTO, b"rfc822;Otto+2BX@b.example")
    envelope = Envelope(ANNA)
    both = bounce.owed(envelope, 1, [(recipient, FAILED), (recipient, LATE)], at=NOW, retry_until=NOW + 9)
    assert both == (
        Fate(
            "otto@b.example", Action.FAILED, "5.1.1", "rfc822;Otto+X@b.example", "mx.b.example",
            "550 5.1.1 no such user", last_attempt=NOW,
        ),
        Fate(
            "otto@b.example", Action.DELAYED, "4.0.0", "rfc822;Otto+X@b.example", reason="it timed out",
            last_attempt=NOW, retry_until=NOW + 9,
        ),
    )  # fmt: skip
    (fate,) = bounce.owed(envelope, 1, [(recipient, replace(FAILED, text="5.1.1 no\n5.1.1 really"))], at=NOW)
    assert fate.said == "550 5.1.1 no\n5.1.1 really"


# -- made and kept -------------------------------------------------------------------------------------------------

HEAD = b"Received: x\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <m1@a.example>\r\n\r\n"
MAILING = Mailing(Envelope(ANNA, envid=b"Q+2BQ"), "t1", 1, NOW - 60, HEAD, b"hello\r\n")


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    lines: list[str] = []
    clock = JumpClock(frozen=True)
    yield Site(
        store=store,
        blobs=DiskBlobs(tmp_path / "blobs"),
        login=cast(Login, None),
        clock=clock,
        chance=SeededChance(),
        log=Log(clock, lines.append),
        metric=Metric(),
        hostname=HERE.hostname,
        spool_folder=tmp_path,
        worker="w1",
        message_octets=10_000_000,
    )
    assert not lines


async def _prepare(site: Site, mailing: Mailing = MAILING, *outcomes: Outcome) -> Notice:
    results = [(Recipient(OTTO), outcome) for outcome in outcomes or (FAILED,)]
    fates = bounce.owed(mailing.envelope, mailing.account, results, at=NOW)
    notice = await bounce.prepare(site, mailing, fates)
    assert notice is not None
    return notice


def _octets(notice: Notice) -> bytes:
    return notice.content.head + blob.unpack(notice.content.body, notice.content.packing)


def _read(notice: Notice) -> ReadDsn:
    found = read_dsn(_octets(notice))
    assert found is not None
    return found


async def test_made(site: Site) -> None:
    notice = await _prepare(site)
    octets, found = _octets(notice), _read(notice)
    assert notice.content.prepared.subject == "Not delivered: Grüße"
    assert found.message_id == "m1@a.example" and found.dsn.envid == "Q+Q" and found.dsn.arrival == NOW - 60
    assert octets.endswith(HEAD + b"hello\r\n\r\n--" + octets.split(b'boundary="')[1][:26] + b"--\r\n")
    assert notice.envelope.reverse_path is None and notice.recipient.notify == {"NEVER"}


@pytest.mark.parametrize(
    ("mailing", "outcome"),
    [
        (replace(MAILING, envelope=Envelope(ANNA, ret="HDRS")), FAILED),
        (replace(MAILING, envelope=Envelope(ANNA, ret="FULL", requiretls=True)), FAILED),  # RFC 8689 §5
        (replace(MAILING, envelope=Envelope(ANNA, ret="FULL")), LATE),  # RFC 3461 §4.3
        (replace(MAILING, body=b"x" * 200_000), FAILED),
        (replace(MAILING, body=None), FAILED),
    ],
)
async def test_header_only(site: Site, mailing: Mailing, outcome: Outcome) -> None:
    octets = _octets(await _prepare(site, mailing, outcome))
    assert b"text/rfc822-headers" in octets and b"hello" not in octets and b"xxx" not in octets
    assert HEAD[:-2] in octets


async def test_nothing_owed(site: Site) -> None:
    assert await bounce.prepare(site, MAILING, ()) is None
    assert await bounce.prepare(site, replace(MAILING, envelope=Envelope(None)), (_FATE,)) is None


_FATE = Fate("otto@b.example", Action.FAILED, "5.1.1")


async def _inbox(tx: Tx, who: Person) -> list[bytes]:
    rows = await tx.all(
        "SELECT message FROM placement WHERE id BETWEEN $1 AND $2", who.inbox << 32, who.inbox + 1 << 32
    )
    return [(await blob.octets(tx, row[0])).whole() for row in rows]


async def test_into_the_inbox(site: Site) -> None:
    """However full it is."""
    anna = await person(site.store, "anna", quota_octets=1)
    notice = await _prepare(site)
    for _ in range(2):
        assert len(await site.store.write(bounce.put, replace(notice, account=anna.id), HERE, NOW)) == 1
    one, two = await site.store.read(_inbox, anna)
    assert one == two and one.startswith(b"Return-Path: <>\r\nDate: ")


async def test_to_all_of_an_alias(site: Site) -> None:
    ben, eva = await person(site.store, "ben"), await person(site.store, "eva")
    for one in (ben, eva):
        await site.store.write(directory.add_alias, ANNA.key, ANNA.domain, one.key)
    placed = await site.store.write(bounce.put, await _prepare(site), HERE, NOW)
    assert {one.account for one in placed} == {ben.id, eva.id}


async def test_the_account_if_the_address_is_gone(site: Site) -> None:
    ben = await person(site.store, "ben")
    notice = replace(await _prepare(site), account=ben.id)
    assert [one.account for one in await site.store.write(bounce.put, notice, HERE, NOW)] == [ben.id]
    await site.store.write(account.mark_removed, ben.id)
    assert await site.store.write(bounce.put, notice, HERE, NOW) == []
