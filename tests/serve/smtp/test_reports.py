"""Notifications that come in by port 25, and those that are made in the reply to DATA."""

import base64
from dataclasses import replace
from typing import Any

from tests.mail.reports import dsn_in

from posthaus.mail.address import Address
from posthaus.mail.dsn import Cover, render_dsn
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.tlsrpt import Failure, Policy, Report
from posthaus.mail.tlsrptmail import Cover as TlsCover
from posthaus.mail.tlsrptmail import render_mail
from posthaus.store import record, suppression, tlsreport
from posthaus.store.record import Kind

NOW = 1_700_000_000
MESSAGE = (
    b"From: Anna <anna@example.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@c.example>\r\n"
    b"Subject: x\r\n\r\nhello\r\n"
)


async def _send(house: Any, account: int, path: str, *more: str) -> list[int]:
    login = b"EHLO laptop.lan\r\nAUTH PLAIN " + base64.b64encode(b"\0a\0%d" % account) + b"\r\n"
    rcpts = "".join(f"RCPT TO:{one}\r\n" for one in (path, *more))
    data = f"MAIL FROM:<anna@example.test> ENVID=e1\r\n{rcpts}DATA\r\n".encode() + MESSAGE + b".\r\n"
    codes = (await house.say(house.submission, login + data, tls=True)).codes
    assert isinstance(codes, list)
    return codes


async def test_a_late_bounce(house: Any) -> None:
    """RFC 3464 §2: what another server says of a message that it had taken."""
    anna = await house.account("anna@example.test")
    assert (await _send(house, anna, "<otto@elsewhere.example>"))[-1] == 250
    fate = Fate("otto@elsewhere.example", Action.FAILED, "5.1.1", said="550 5.1.1 gone")
    cover = Cover(Address("mailer", "b.example"), Address("anna", "example.test"), NOW, "d@b.example", "q" * 26)
    original = Original(b"Message-ID: <1@c.example>\r\n", False)
    octets = render_dsn(Dsn("b.example", (fate,)), original, cover)
    mail = b"EHLO b.example\r\nMAIL FROM:<>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n" + octets + b".\r\n"
    assert (await house.say(house.mx, mail)).codes[-1] == 250
    (kept,) = await house.messages(anna)
    assert kept.endswith(octets)
    store, now = house.site.store, int(house.site.clock.now())
    (sent,) = await store.read(record.submissions, "1@c.example")
    told = await store.read(record.of_transaction, sent.tid, sent.at, now)
    assert [(one.kind, one.address) for one in told] == [
        (Kind.SUBMITTED, "anna@example.test"),
        (Kind.QUEUED, "otto@elsewhere.example"),
        (Kind.REPORTED, "otto@elsewhere.example"),
    ]
    otto = Address("otto", "elsewhere.example")
    assert await store.read(suppression.suppressed, anna, otto, now) is not None
    assert 550 in await _send(house, anna, "<otto@elsewhere.example>")


async def test_a_late_bounce_that_is_sent_on(house: Any) -> None:
    """It is read though it leads out of the house, and nothing else of it is."""
    anna = await house.account("anna@example.test")
    await house.alias("anna.b@example.test", "anna@home.example")
    assert (await _send(house, anna, "<otto@elsewhere.example>"))[-1] == 250
    fate = Fate("otto@elsewhere.example", Action.FAILED, "5.1.1", said="550 5.1.1 gone")
    cover = Cover(Address("mailer", "b.example"), Address("anna.b", "example.test"), NOW, "d@b.example", "q" * 26)
    octets = render_dsn(Dsn("b.example", (fate,)), Original(b"Message-ID: <1@c.example>\r\n", False), cover)
    mail = b"EHLO b.example\r\nMAIL FROM:<>\r\nRCPT TO:<anna.b@example.test>\r\nDATA\r\n" + octets + b".\r\n"
    assert (await house.say(house.mx, mail)).codes[-1] == 250
    store, now = house.site.store, int(house.site.clock.now())
    (sent,) = await store.read(record.submissions, "1@c.example")
    told = await store.read(record.of_transaction, sent.tid, sent.at, now)
    assert [one.kind for one in told] == [Kind.SUBMITTED, Kind.QUEUED, Kind.REPORTED]
    (onward,) = await store.read(record.submissions, "d@b.example")
    assert onward.words["subject"] and (await house.errands())[-1].recipient.address.domain == "home.example"


async def test_success_is_told_in_the_same_commit(house: Any) -> None:
    """RFC 3461 §4.1 and §5.2.7.3: a mailbox, and an alias of several."""
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    for target in ("anna@example.test", "ben@example.test"):
        await house.alias("all@example.test", target)
    assert (await _send(house, anna, "<ben@example.test> NOTIFY=SUCCESS"))[-1] == 250
    (kept,) = await house.messages(anna)
    found = dsn_in(kept)
    assert found is not None and found.dsn.envid == "e1" and found.message_id == "1@c.example"
    (fate,) = found.dsn.fates
    assert replace(fate, last_attempt=None) == Fate("ben@example.test", Action.DELIVERED, "2.0.0")
    assert (await _send(house, anna, "<all@example.test> NOTIFY=SUCCESS"))[-1] == 250
    found = dsn_in((await house.messages(anna))[-1])
    assert found is not None and [one.action for one in found.dsn.fates] == [Action.EXPANDED]
    assert len(await house.messages(ben)) == 2


async def test_strangers_are_told_nothing(house: Any) -> None:
    """RFC 5321 §6.1: a forged sender would be told of what he never sent."""
    anna = await house.account("anna@example.test")
    mail = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<anna@example.test> NOTIFY=SUCCESS\r\nDATA\r\n" + MESSAGE + b".\r\n"
    said = await house.say(house.mx, b"EHLO b.example\r\n" + mail)
    assert said.codes[-1] == 250 and "DSN" not in said.out.split()
    assert len(await house.messages(anna)) == 1 and await house.errands() == []


async def test_a_report_of_tls(house: Any) -> None:
    """RFC 8460 §5.3: it goes where it is addressed to, and what it says of domains of ours is kept besides."""
    anna = await house.account("anna@example.test")
    failures = (Failure("certificate-expired", 3, host="mx.example.test", reason="of late"),)
    policies = (Policy("sts", "example.test", successes=7, failures=failures, failed=3), Policy("sts", "other.example"))
    report = Report("B Inc", "", "r1", NOW, NOW + 86_399, (*policies, Policy("sts", "example.test", successes=1)))
    to = Address("anna", "example.test")
    cover = TlsCover("example.test", "b.example", to, Address("tls", "b.example"), NOW, "d@b.example", "q" * 26)
    mail = b"EHLO b.example\r\nMAIL FROM:<tls@b.example>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n"
    for octets in (render_mail(report, cover), render_mail(report, cover), _BROKEN):
        assert (await house.say(house.mx, mail + octets + b".\r\n")).codes[-1] == 250
    assert len(await house.messages(anna)) == 3
    (told,) = await house.site.store.read(tlsreport.listing, 0)
    assert (told.domain, told.organization, told.policy, told.begins) == ("example.test", "B Inc", "sts", NOW)
    assert (told.successes, told.failed) == (8, 3)
    assert told.failures == (tlsreport.Failed("certificate-expired", 3, "mx.example.test", "of late"),)


_BROKEN = b"Content-Type: application/tlsrpt+gzip\r\n\r\nnothing\r\n"
