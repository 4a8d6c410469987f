"""Who is told what, and where it goes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from tests.mail.reports import dsn_in

from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.base.setting import SendSetting
from posthaus.check.keyrecord import render_key_record
from posthaus.check.signingkey import make_private, read_signing_key
from posthaus.flow import bounce, ingest, srs
from posthaus.flow.bounce import Bouncer, Mailing, Notice, Report
from posthaus.flow.login import Login
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.mail.address import Address
from posthaus.mail.date import render_date
from posthaus.mail.dsn import ReadDsn
from posthaus.mail.envelope import DeliverBy, Envelope, Recipient
from posthaus.mail.fate import Action, Fate
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import account, blob, directory, dkimkey, postmaster, queue, record, suppression
from posthaus.store import load as loads
from posthaus.store.dkimkey import NewKey
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.load import Load, Settled
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.record import Kind as Kinds
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


@pytest.mark.parametrize(
    ("by", "outcome", "is_told"),
    [
        (DeliverBy(60, "N", trace=True), replace(RELAYED, has_dsn=True, has_deliver_by=True), True),
        (DeliverBy(60, "R", trace=True), RELAYED, True),
        (DeliverBy(60, "N"), replace(RELAYED, has_dsn=True), True),
        (DeliverBy(60, "N"), replace(RELAYED, has_deliver_by=True), False),
        (DeliverBy(60, "R"), RELAYED, False),
    ],
)
def test_relayed_by_a_time(by: DeliverBy, outcome: Outcome, is_told: bool) -> None:
    """RFC 2852 §4.1.4: where it is traced, or nobody knows of its time any more; asked for or not."""
    envelope = Envelope(ANNA, deliver_by=by)
    for notify, wanted in ((set(), is_told), ({"FAILURE"}, is_told), ({"NEVER"}, False)):
        fates = bounce.owed(envelope, 1, [(Recipient(OTTO, notify=frozenset(notify)), outcome)], at=NOW)
        assert [fate.action for fate in fates] == [Action.RELAYED] * wanted
    assert bounce.owed(envelope, 0, [(Recipient(OTTO), outcome)], at=NOW) == ()  # a stranger


def test_no_backscatter() -> None:
    """RFC 5321 §6.1: no bounce is answered; a stranger hears of failure alone."""
    for outcome in (FAILED, LATE, RELAYED, DELIVERED):
        assert _owed(outcome, "SUCCESS", "FAILURE", "DELAY", sender=None) == []
    assert _owed(RELAYED, "SUCCESS", account=0) == _owed(DELIVERED, "SUCCESS", account=0) == []
    assert _owed(LATE, account=0) == _owed(LATE, "DELAY", account=0) == []
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
    found = dsn_in(_octets(notice))
    assert found is not None
    return found


async def test_made(site: Site) -> None:
    notice = await _prepare(site)
    octets, found = _octets(notice), _read(notice)
    assert notice.content.prepared.subject == "Not delivered: Grüße"
    assert found.message_id == "m1@a.example" and found.dsn.envid == "Q+Q" and found.dsn.arrival == NOW - 60
    assert octets.endswith(HEAD + b"hello\r\n\r\n--" + octets.split(b'boundary="')[1][:26] + b"--\r\n")
    assert notice.envelope.reverse_path is None


async def test_what_was_asked_for_is_named(site: Site) -> None:
    """RFC 2852 §5, RFC 4865 §5.1.2"""
    assert b"Deliver-By-Date" not in (plain := _octets(await _prepare(site))) and b"Future-Release" not in plain
    held = Envelope(ANNA, hold_until=1_767_312_000, deliver_by=DeliverBy(3_600, "R"))
    octets = _octets(await _prepare(site, replace(MAILING, envelope=held)))
    assert b"Arrival-Date: " in octets
    assert b"\r\nDeliver-By-Date: " + render_date(NOW - 60 + 3_600) + b"\r\n" in octets
    assert b"\r\nFuture-Release-Request: until;2026-01-02T00:00:00Z\r\n" in octets
    octets = _octets(await _prepare(site, replace(MAILING, envelope=replace(held, hold_for=60))))
    assert b"\r\nFuture-Release-Request: for;60\r\n" in octets


async def test_as_safe_and_as_soon_as_the_message(site: Site) -> None:
    """RFC 8689 §5, RFC 6710 §4.6"""
    notice = await _prepare(site, replace(MAILING, envelope=Envelope(ANNA, requiretls=True, priority=4)))
    assert notice.envelope.requiretls and notice.envelope.priority == 4 and notice.envelope.reverse_path is None


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
        assert await site.store.write(bounce.put, replace(notice, account=anna.id), HERE, NOW) == "inbox"
    one, two = await site.store.read(_inbox, anna)
    assert one == two and one.startswith(b"Return-Path: <>\r\nDate: ")


async def test_to_all_of_an_alias(site: Site) -> None:
    ben, eva = await person(site.store, "ben"), await person(site.store, "eva")
    for one in (ben, eva):
        await site.store.write(directory.add_alias, ANNA.key, ANNA.domain, one.key)
    assert await site.store.write(bounce.put, await _prepare(site), HERE, NOW) == "inbox"
    for one in (ben, eva):
        assert len(await site.store.read(_inbox, one)) == 1


async def test_the_account_if_the_address_is_gone(site: Site) -> None:
    ben = await person(site.store, "ben")
    notice = replace(await _prepare(site), account=ben.id)
    assert await site.store.write(bounce.put, notice, HERE, NOW) == "inbox"
    assert len(await site.store.read(_inbox, ben)) == 1
    await site.store.write(account.mark_removed, ben.id)
    assert await site.store.write(bounce.put, notice, HERE, NOW) == "nowhere"
    assert await site.store.write(bounce.put, replace(notice, account=999), HERE, NOW) == "nowhere"


async def test_held_by_the_settings(site: Site) -> None:
    """A notification that would leave the house waits there as well."""
    site = replace(site, send=SendSetting(hold=True))
    notice = await _prepare(site, replace(MAILING, envelope=Envelope(OTTO)))
    assert await site.store.write(bounce.put, notice, HERE, NOW) == "queue"
    (only,) = await site.store.read(postmaster.listing, postmaster.Which(), 0, 9)
    assert only.errand.state == queue.State.HELD


# -- with the queue ------------------------------------------------------------------------------------------------


async def _submit(
    site: Site, *to: Address, sender: Address | None = ANNA, account: int = 0, destination: str = "mx/b.example"
) -> Load:
    """A parcel on its way, claimed."""
    content = await ingest.content(site, HEAD + b"hello\r\n", await ingest.prepare(HEAD + b"hello\r\n"), b"X-In: 1\r\n")
    parcel = NewParcel(content, Envelope(sender), "t1", account, NOW + 900, NOW + 90)
    errands = [NewErrand(Recipient(one), destination, NOW) for one in to]
    await site.store.write(queue.enqueue, parcel, errands, NOW)
    suspects = destination != queue.LOCAL
    (load,) = await site.store.write(loads.claim, "w1", NOW, NOW + 60, 1, 99, suspects=suspects)
    return load


async def _settle(site: Site, load: Load, *outcomes: Outcome, is_warning: bool = False) -> Report:
    """As the runner does it: the DSN and the settling in one commit."""
    bouncer = Bouncer(site, HERE)
    (claim,) = load.claims
    settled = [Settled(errand, one, NOW + 300) for errand, one in zip(claim.errands, outcomes, strict=True)]
    report = await bouncer.report(claim.parcel, settled, is_warning=is_warning)

    async def write(tx: Tx) -> None:
        await bouncer.write(tx, report, NOW)
        await loads.settle(tx, load, settled, NOW, lambda pace: pace, ends=True)

    await site.store.write(write)
    return report


async def _record(site: Site, tid: str = "t1") -> list[tuple[Kinds, str]]:
    return [(one.kind, one.address) for one in await site.store.read(record.of_transaction, tid, NOW, NOW)]


async def test_one_dsn_for_all_that_failed(site: Site) -> None:
    anna = await person(site.store, "anna")
    uli, eva = Address("uli", "b.example"), Address("eva", "b.example")
    load = await _submit(site, OTTO, uli, eva, account=anna.id)
    await _settle(site, load, FAILED, replace(FAILED, enhanced="5.2.2", text="full"), LATE)
    (octets,) = await site.store.read(_inbox, anna)
    found = dsn_in(octets)
    assert found is not None
    assert [(fate.address, fate.status) for fate in found.dsn.fates] == [(str(OTTO), "5.1.1"), (str(uli), "5.2.2")]
    assert b"\r\nX-In: 1\r\nReceived: x\r\n" in octets
    assert await _record(site) == [
        (Kinds.DEFERRED, eva.key), (Kinds.FAILED, OTTO.key), (Kinds.FAILED, uli.key), (Kinds.TOLD, ANNA.key)
    ]  # fmt: skip
    assert [one.key for one in await site.store.read(suppression.listing)] == [OTTO.key]


async def test_delay_is_told_when_it_is_time(site: Site) -> None:
    anna = await person(site.store, "anna")
    load = await _submit(site, OTTO, account=anna.id)
    await _settle(site, load, LATE, is_warning=True)
    (octets,) = await site.store.read(_inbox, anna)
    found = dsn_in(octets)
    assert found is not None
    assert found.dsn.fates[0].action is Action.DELAYED and found.dsn.fates[0].retry_until == NOW + 900
    assert await _record(site) == [(Kinds.TOLD, ANNA.key)]


async def test_success_lifts_the_suppression(site: Site) -> None:
    await site.store.write(suppression.failed, 7, OTTO, "5.1.1", "no", NOW)
    report = await _settle(site, await _submit(site, OTTO, account=7), RELAYED)
    assert report.notice is None and await _record(site) == [(Kinds.RELAYED, OTTO.key)]
    assert await site.store.read(suppression.listing) == []


async def test_a_foreign_sender_is_told_by_the_queue(site: Site) -> None:
    """Of mail that was forwarded; and nobody is told if that fails."""
    await person(site.store, "anna")
    sender = Address("sender", "c.example")
    await _settle(site, await _submit(site, OTTO, sender=sender), FAILED)
    (load,) = await site.store.write(loads.claim, "w1", NOW, NOW + 60, 1, 99, suspects=True)
    (claim,) = load.claims
    (errand,) = claim.errands
    assert load.destination == "mx/c.example" and claim.parcel.account == 0
    assert claim.parcel.envelope.reverse_path is None and claim.parcel.envelope.body == "8BITMIME"
    assert errand.recipient.address == sender and errand.recipient.notify == {"NEVER"}
    octets = (await site.store.read(queue.octets, claim.parcel.id)).whole()
    assert octets.startswith(b"Date: ") and dsn_in(octets) is not None
    report = await _settle(site, load, FAILED)
    assert report.notice is None
    assert await _record(site, claim.parcel.tid) == [(Kinds.FAILED, sender.key)]


async def test_forwarded_mail_goes_back_where_it_came_from(site: Site) -> None:
    """The reverse-path is then one of ours; what somebody made up leads nowhere."""
    await person(site.store, "anna")
    sender = Address("sender", "c.example")
    path = await srs.rewritten(site, sender, "a.example")
    assert path is not None and path.domain == "a.example"
    report = await _settle(site, await _submit(site, OTTO, sender=path), FAILED)
    assert report.notice is not None and report.notice.to == sender
    (load,) = await site.store.write(loads.claim, "w1", NOW, NOW + 60, 1, 99, suspects=True)
    assert load.destination == "mx/c.example"
    forged = replace(MAILING, envelope=Envelope(Address("SRS0=AAAAAA=AA=c.example=x", "a.example")), account=0)
    assert await bounce.prepare(site, forged, (_FATE,)) is None


async def test_one_that_leaves_the_house_is_signed(site: Site) -> None:
    """By the domain above the host's, where the host has no key of its own."""
    await person(site.store, "anna")
    private = make_private("ed25519")
    record_text = render_key_record(read_signing_key("a.example", "s1", private).public)
    number = await site.store.write(dkimkey.add, NewKey("a.example", "s1", "ed25519", private, record_text), NOW)
    await site.store.write(dkimkey.activate, [number], NOW)
    assert (await _prepare(site)).signed == b""
    away = replace(MAILING, envelope=Envelope(Address("sender", "c.example")))
    notice = await _prepare(site, away)
    assert notice.signed.startswith(b"DKIM-Signature:") and b"d=a.example" in notice.signed
    await site.store.write(bounce.put, notice, HERE, NOW)
    (load,) = await site.store.write(loads.claim, "w1", NOW, NOW + 60, 1, 99, suspects=True)
    octets = await site.store.read(queue.octets, load.claims[0].parcel.id)
    assert octets.prefix == notice.signed


async def test_a_mailbox_here_is_not_suppressed(site: Site) -> None:
    anna = await person(site.store, "anna")
    load = await _submit(site, Address("ben", "a.example"), account=anna.id, destination=queue.LOCAL)
    await _settle(site, load, FAILED)
    assert len(await site.store.read(_inbox, anna)) == 1
    assert await site.store.read(suppression.listing) == []


async def test_an_alias_that_leads_out(site: Site) -> None:
    ben = await person(site.store, "ben")
    for target in (ben.key, "x@c.example", "y@d.example"):
        await site.store.write(directory.add_alias, ANNA.key, ANNA.domain, target)
    await _settle(site, await _submit(site, OTTO, account=ben.id), FAILED)
    assert len(await site.store.read(_inbox, ben)) == 1
    found = await site.store.write(loads.claim, "w1", NOW, NOW + 60, 9, 99, suspects=True)
    assert {load.destination for load in found} == {"mx/c.example", "mx/d.example"}


async def test_a_parcel_without_sender(site: Site) -> None:
    report = await _settle(site, await _submit(site, OTTO, sender=None), FAILED)
    assert report.notice is None and await _record(site) == [(Kinds.FAILED, OTTO.key)]
