"""Does a message fit a host: MAIL and RCPT as they are said, and why a message cannot go."""

from dataclasses import replace

import pytest

from posthaus.mail.address import Address, parse_address
from posthaus.mail.envelope import DeliverBy, Envelope, Recipient
from posthaus.proto.smtp import fit
from posthaus.proto.smtp.content import Survey
from posthaus.proto.smtp.offered import Offered

ANN = Address("ann", "client.example")
BOB = Recipient(Address("bob", "b.example"))
JÖRG = parse_address("jörg@b.example".encode(), smtputf8=True)
ALL = Offered(
    pipelining=True, eightbit=True, smtputf8=True, dsn=True, requiretls=True, priority=True, size=True, deliver_by_s=0
)
MORE = replace(ALL, priority=False)
PLAIN = b"a: b\r\n\r\nc\r\n"
EIGHT = "a: b\r\n\r\nä\r\n".encode()
HEADER = "a: ä\r\n\r\nc\r\n".encode()

MAIL: list[tuple[Envelope, bytes, Offered, bytes]] = [
    (Envelope(ANN), PLAIN, Offered(), b"MAIL FROM:<ann@client.example>"),
    (Envelope(None), PLAIN, Offered(), b"MAIL FROM:<>"),
    (Envelope(Address("a b", "c.example")), PLAIN, Offered(), b'MAIL FROM:<"a b"@c.example>'),
    (Envelope(ANN), PLAIN, ALL, b"MAIL FROM:<ann@client.example> SIZE=11 MT-PRIORITY=0"),
    # RFC 6152 §3: what MAIL said to us does not matter, but what is in the octets
    (Envelope(ANN, body="8BITMIME"), PLAIN, ALL, b"MAIL FROM:<ann@client.example> SIZE=11 MT-PRIORITY=0"),
    (Envelope(ANN), EIGHT, ALL, b"MAIL FROM:<ann@client.example> SIZE=12 BODY=8BITMIME MT-PRIORITY=0"),
    # RFC 6531 §3.2: asked for by what needs it
    (Envelope(ANN, smtputf8=True), PLAIN, MORE, b"MAIL FROM:<ann@client.example> SIZE=11"),
    (Envelope(ANN), HEADER, MORE, b"MAIL FROM:<ann@client.example> SIZE=12 BODY=8BITMIME"),
    (Envelope(ANN, smtputf8=True), HEADER, MORE, b"MAIL FROM:<ann@client.example> SIZE=12 BODY=8BITMIME SMTPUTF8"),
    (Envelope(JÖRG, smtputf8=True), PLAIN, MORE, "MAIL FROM:<jörg@b.example> SIZE=11 SMTPUTF8".encode()),
    (
        Envelope(ANN, ret="HDRS", envid=b"x+2By"), PLAIN, Offered(dsn=True),
        b"MAIL FROM:<ann@client.example> RET=HDRS ENVID=x+2By",
    ),
    (Envelope(ANN, ret="HDRS", envid=b"x"), PLAIN, Offered(), b"MAIL FROM:<ann@client.example>"),
    (
        Envelope(ANN, requiretls=True, priority=-3), PLAIN, Offered(requiretls=True, priority=True),
        b"MAIL FROM:<ann@client.example> REQUIRETLS MT-PRIORITY=-3",
    ),
    (Envelope(ANN, priority=3), PLAIN, Offered(), b"MAIL FROM:<ann@client.example>"),
    (
        Envelope(ANN, deliver_by=DeliverBy(1, "R", trace=True)), PLAIN, Offered(deliver_by_s=0),
        b"MAIL FROM:<ann@client.example> BY=77;RT",
    ),
    (
        Envelope(ANN, deliver_by=DeliverBy(1, "N")), PLAIN, Offered(deliver_by_s=60),
        b"MAIL FROM:<ann@client.example> BY=77;N",
    ),
    # RFC 2852 §2: the host's minimum is for R; only R is a condition
    (
        Envelope(ANN, deliver_by=DeliverBy(1, "N")), PLAIN, Offered(deliver_by_s=78),
        b"MAIL FROM:<ann@client.example> BY=77;N",
    ),
    (Envelope(ANN, deliver_by=DeliverBy(1, "N")), PLAIN, Offered(), b"MAIL FROM:<ann@client.example>"),
]  # fmt: skip


@pytest.mark.parametrize(("envelope", "octets", "offered", "wanted"), MAIL)
def test_mail(envelope: Envelope, octets: bytes, offered: Offered, wanted: bytes) -> None:
    survey = Survey(octets)
    assert fit.render_mail(envelope, [BOB], survey, offered, left_s=77) == wanted + b"\r\n"
    assert fit.fault_of(envelope, survey, ALL, verified=True, left_s=77) is None


def test_a_recipient_asks_for_smtputf8() -> None:
    envelope = Envelope(ANN, smtputf8=True)
    line = fit.render_mail(envelope, [BOB, Recipient(JÖRG)], Survey(PLAIN), ALL)
    assert line == b"MAIL FROM:<ann@client.example> SIZE=11 SMTPUTF8 MT-PRIORITY=0\r\n"


def test_a_domain_needs_nothing() -> None:
    """It is held as A-labels, which every host takes."""
    address = parse_address("ann@bücher.example".encode(), smtputf8=True)
    assert fit.fault_of(Envelope(address, smtputf8=True), Survey(PLAIN), Offered(), verified=False) is None
    assert fit.recipient_fault(Recipient(address), Offered()) is None
    assert fit.render_rcpt(Recipient(address), Offered()) == b"RCPT TO:<ann@xn--bcher-kva.example>\r\n"


FAULTS: list[tuple[Envelope, bytes, Offered, bool, int, str]] = [
    (Envelope(ANN), b"a\nb\r\n", ALL, True, 0, "5.6.11"),
    (Envelope(ANN), PLAIN, Offered(size=True, size_octets=10), False, 0, "5.3.4"),
    (Envelope(ANN), EIGHT, Offered(), False, 0, "5.6.3"),
    (Envelope(ANN), HEADER, Offered(), False, 0, "5.6.3"),
    (Envelope(ANN, smtputf8=True), HEADER, Offered(eightbit=True), False, 0, "5.6.7"),
    (Envelope(JÖRG, smtputf8=True), PLAIN, Offered(eightbit=True), False, 0, "5.6.7"),
    (Envelope(ANN, requiretls=True), PLAIN, Offered(requiretls=True), False, 0, "5.7.30"),
    (Envelope(ANN, requiretls=True), PLAIN, Offered(), True, 0, "5.7.30"),
    (Envelope(ANN, deliver_by=DeliverBy(9, "R")), PLAIN, Offered(), False, 9, "5.3.3"),
    (Envelope(ANN, deliver_by=DeliverBy(9, "R")), PLAIN, Offered(deliver_by_s=10), False, 9, "5.3.3"),
    (Envelope(ANN, deliver_by=DeliverBy(9, "R")), PLAIN, ALL, False, 0, "5.4.7"),
]


@pytest.mark.parametrize(("envelope", "octets", "offered", "verified", "left_s", "enhanced"), FAULTS)
def test_faults(
    envelope: Envelope, octets: bytes, offered: Offered, verified: bool, left_s: int, enhanced: str
) -> None:
    fault = fit.fault_of(envelope, Survey(octets), offered, verified=verified, left_s=left_s)
    assert fault is not None
    assert fault.enhanced == enhanced


def test_a_recipient_that_needs_smtputf8() -> None:
    fault = fit.recipient_fault(Recipient(JÖRG), Offered(eightbit=True))
    assert fault is not None and fault.enhanced == "5.6.7"
    assert fit.recipient_fault(Recipient(JÖRG), ALL) is None


RCPT: list[tuple[Recipient, Offered, bytes]] = [
    (BOB, Offered(), b"RCPT TO:<bob@b.example>"),
    (Recipient(Address("postmaster", "")), Offered(), b"RCPT TO:<postmaster>"),
    (
        Recipient(BOB.address, b"rfc822;x@y", frozenset({"SUCCESS", "DELAY"})), ALL,
        b"RCPT TO:<bob@b.example> NOTIFY=DELAY,SUCCESS ORCPT=rfc822;x@y",
    ),
    (Recipient(BOB.address, b"rfc822;x@y", frozenset({"NEVER"})), Offered(), b"RCPT TO:<bob@b.example>"),
    # RFC 6533 §3: the form for hosts without SMTPUTF8
    (
        Recipient(BOB.address, "utf-8;jörg@y".encode()), Offered(dsn=True),
        rb"RCPT TO:<bob@b.example> ORCPT=utf-8;j\x{F6}rg@y",
    ),
    (Recipient(BOB.address, "utf-8;jörg@y".encode()), ALL, "RCPT TO:<bob@b.example> ORCPT=utf-8;jörg@y".encode()),
]  # fmt: skip


@pytest.mark.parametrize(("recipient", "offered", "wanted"), RCPT)
def test_rcpt(recipient: Recipient, offered: Offered, wanted: bytes) -> None:
    assert fit.render_rcpt(recipient, offered) == wanted + b"\r\n"


def test_a_time_that_has_passed() -> None:
    """RFC 2852 §4.1.4: a negative number, of nine digits at most."""
    envelope = Envelope(ANN, deliver_by=DeliverBy(1, "N"))
    for left_s, said in ((-5, b"-5"), (-(10**10), b"-999999999"), (10**10, b"999999999")):
        line = fit.render_mail(envelope, [BOB], Survey(PLAIN), Offered(deliver_by_s=60), left_s=left_s)
        assert line == b"MAIL FROM:<ann@client.example> BY=%s;N\r\n" % said


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [
        (set(), b" NOTIFY=DELAY,FAILURE"),
        ({"SUCCESS"}, b" NOTIFY=DELAY,SUCCESS"),
        ({"NEVER"}, b" NOTIFY=NEVER"),
    ],
)
def test_delay_is_asked_for_in_place_of_a_time(notify: set[str], wanted: bytes) -> None:
    """RFC 2852 §4.1.4.2"""
    recipient = Recipient(BOB.address, notify=frozenset(notify))
    line = fit.render_rcpt(recipient, Offered(dsn=True), DeliverBy(60, "N"))
    assert line == b"RCPT TO:<bob@b.example>" + wanted + b"\r\n"
    plain = fit.render_rcpt(recipient, Offered(dsn=True))
    for offered, mode in ((Offered(dsn=True, deliver_by_s=0), "N"), (Offered(dsn=True), "R")):
        assert fit.render_rcpt(recipient, offered, DeliverBy(60, "N" if mode == "N" else "R")) == plain


def test_a_notification_is_not_lost_for_requiretls() -> None:
    """RFC 8689 §5: asked for where it can be had."""
    envelope = Envelope(None, requiretls=True)
    assert fit.fault_of(envelope, Survey(PLAIN), Offered(), verified=False) is None
    for offered, verified, end in (
        (Offered(requiretls=True), True, b" REQUIRETLS"), (Offered(requiretls=True), False, b""), (Offered(), True, b"")
    ):  # fmt: skip
        line = fit.render_mail(envelope, [BOB], Survey(PLAIN), offered, verified=verified)
        assert line == b"MAIL FROM:<>" + end + b"\r\n"
