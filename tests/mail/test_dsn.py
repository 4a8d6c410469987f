"""DSNs: what is written is read back; what other servers write is read."""

import email
import email.policy
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.mail.reports import dsn_in

from posthaus.mail.address import Address
from posthaus.mail.dsn import Cover, cut_header, render_dsn
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.prepare import prepare

AT = 1_767_225_600
COVER = Cover(
    Address("postmaster", "mail.example.org"), Address("anna", "example.org"), AT, "1@mail.example.org", "q" * 26
)
ORIGINAL = Original(b"Subject: Offer\r\nMessage-ID: <m1@example.org>\r\n", False, "Offer", "m1@example.org", "t1")
FAILED = Fate(
    "otto@b.example",
    Action.FAILED,
    "5.1.1",
    "rfc822;Otto@b.example",
    "mx.b.example",
    "550 5.1.1 no such user",
    last_attempt=AT,
)
LATE = Fate("uli@c.example", Action.DELAYED, "4.4.1", reason="it timed out", last_attempt=AT, retry_until=AT + 3600)
DSN = Dsn("mail.example.org", (FAILED, LATE), AT - 60, "QQ 314")


def test_to_the_letter() -> None:
    octets = render_dsn(replace(DSN, fates=(FAILED,)), ORIGINAL, COVER)
    assert octets == (
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        b"From: Mail delivery <postmaster@mail.example.org>\r\n"
        b"To: <anna@example.org>\r\n"
        b"Subject: Not delivered: Offer\r\n"
        b"Message-ID: <1@mail.example.org>\r\n"
        b"Auto-Submitted: auto-replied\r\n"
        b"In-Reply-To: <m1@example.org>\r\n"
        b"References: <m1@example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; boundary="qqqqqqqqqqqqqqqqqqqqqqqqqq";\r\n'
        b" report-type=delivery-status\r\n"
        b"\r\n"
        b"--qqqqqqqqqqqqqqqqqqqqqqqqqq\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Description: Notification\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"This is the post office at mail.example.org.\r\n"
        b"\r\n"
        b"Your message could not be delivered to otto@b.example. It is not tried\r\n"
        b"any more.\r\n"
        b"\r\n"
        b"    There is no mailbox of this name at that domain. The server\r\n"
        b"    mx.b.example said:\r\n"
        b"\r\n"
        b"        550 5.1.1 no such user\r\n"
        b"\r\n"
        b"    Check the address for a typing mistake, or ask the person for the\r\n"
        b"    right one in another way.\r\n"
        b"\r\n"
        b"Your message:\r\n"
        b"    Subject: Offer\r\n"
        b"    It came to us: Wed, 31 Dec 2025 23:59:00 +0000\r\n"
        b"\r\n"
        b"The header of your message is attached. If you ask for help, tell this\r\n"
        b"number: t1\r\n"
        b"\r\n"
        b"--qqqqqqqqqqqqqqqqqqqqqqqqqq\r\n"
        b"Content-Type: message/delivery-status\r\n"
        b"Content-Description: Delivery report\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Original-Envelope-Id: QQ 314\r\n"
        b"Reporting-MTA: dns; mail.example.org\r\n"
        b"Arrival-Date: Wed, 31 Dec 2025 23:59:00 +0000\r\n"
        b"\r\n"
        b"Original-Recipient: rfc822; Otto@b.example\r\n"
        b"Final-Recipient: rfc822; otto@b.example\r\n"
        b"Action: failed\r\n"
        b"Status: 5.1.1\r\n"
        b"Remote-MTA: dns; mx.b.example\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
        b"Last-Attempt-Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        b"\r\n"
        b"--qqqqqqqqqqqqqqqqqqqqqqqqqq\r\n"
        b"Content-Type: text/rfc822-headers\r\n"
        b"Content-Description: Header of your message\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Subject: Offer\r\n"
        b"Message-ID: <m1@example.org>\r\n"
        b"\r\n"
        b"--qqqqqqqqqqqqqqqqqqqqqqqqqq--\r\n"
    )


def test_several_recipients() -> None:
    octets = render_dsn(DSN, ORIGINAL, COVER)
    found = dsn_in(octets)
    assert found is not None
    assert found.dsn == DSN
    assert found.message_id == "m1@example.org"


def test_whole_message() -> None:
    """RFC 3461 §4.3: RET=FULL"""
    message = b"Subject: Offer\nMessage-ID: <m1@example.org>\n\n\xc3\xbc\rx\n"
    octets = render_dsn(DSN, Original(message, True, "Offer", "m1@example.org"), COVER)
    read = email.message_from_bytes(octets, policy=email.policy.default)
    text, _, inner = read.iter_parts()
    assert "attached whole" in text.get_content()
    assert inner.get_content_type() == "message/rfc822" and inner["content-transfer-encoding"] == "8bit"
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    found = dsn_in(octets)
    assert found is not None and found.message_id == "m1@example.org"


def test_international() -> None:
    """RFC 6533 §4 and §6: only where an address needs it."""
    fate = replace(FAILED, address="müller@b.example", original="utf-8;müller@b.example", said="550 5.1.1 unbekannt: ü")
    head = "Subject: ü\r\nMessage-ID: <m1@example.org>\r\n".encode()
    octets = render_dsn(Dsn("mail.example.org", (fate,)), Original(head, False, "ü", "m1@example.org"), COVER)
    assert b"Content-Type: message/global-delivery-status\r\n" in octets
    assert b"Content-Type: message/global-headers\r\n" in octets
    assert "Final-Recipient: utf-8; müller@b.example\r\n".encode() in octets
    found = dsn_in(octets)
    assert found is not None and found.dsn.fates == (fate,) and found.message_id == "m1@example.org"
    plain = render_dsn(Dsn("h.example", (replace(FAILED, said="550 ü"),)), Original(head, False), COVER)
    assert b"Content-Type: message/delivery-status\r\n" in plain and b"smtp; 550 ?\r\n" in plain
    assert b"Content-Type: text/rfc822-headers\r\n" in plain


def test_a_peer_makes_no_field() -> None:
    evil = replace(
        FAILED,
        said="550 no\r\nAction: delivered\n\nFinal-Recipient: rfc822; x@y",
        remote="mx\r\nStatus: 2.0.0",
        original="rfc822;a@b\r\nStatus: 2.0.0",
        reason="\r\n\r\n--qqq",
    )
    original = Original(b"Subject: x\r\n", False, "x\r\nBcc: all@b.example", "i\r\nTo: y", "t\r\n")
    octets = render_dsn(Dsn("h.example", (evil,), envid="e\r\n\r\nx"), original, COVER)
    found = dsn_in(octets)
    assert found is not None
    (fate,) = found.dsn.fates
    assert fate.action is Action.FAILED and fate.status == "5.1.1"
    assert b"\r\nBcc" not in octets and b"\r\nTo: y" not in octets


def test_header_given_back() -> None:
    head = b"".join(b"X-%d: %b\r\n" % (n, b"y" * 90) for n in range(1_000)) + b"\r\n"
    cut = cut_header(head)
    assert len(cut) <= 32 * 1024 and cut.endswith(b"y\r\n") and head.startswith(cut)
    assert cut_header(b"A: b\r\n\r\n") == b"A: b\r\n"


# -- what others write ---------------------------------------------------------------------------------------------

OTHERS = b"""From: MAILER-DAEMON@mx.example.net\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="x/y"\r
\r
--x/y\r
Content-Type: text/plain\r
\r
sorry\r
--x/y\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns;mx.example.net\r
X-Queue-ID: 4711\r
Arrival-Date: Tue, 6 Jan 2026 10:00:00 +0100 (CET)\r
\r
\r
Final-Recipient: RFC822;<otto@b.example>\r
Action: Failed (permanently)\r
Status: 5.1.1 (bad destination mailbox address)\r
Diagnostic-Code: smtp;550 5.1.1 <otto@b.example>\r
    unknown\r
\r
Original-Recipient: rfc822;only@b.example\r
Status: 4.2.2\r
\r
Status: 5.0.0\r
\r
--x/y\r
Content-Type: message/rfc822\r
\r
Message-ID: <m1@example.org>\r
\r
hello\r
--x/y--\r
"""


def test_others() -> None:
    found = dsn_in(OTHERS)
    assert found is not None
    assert found.message_id == "m1@example.org"
    assert found.dsn.reporting == "mx.example.net"
    assert found.dsn.arrival == 1_767_690_000
    one, two = found.dsn.fates
    assert (one.address, one.action, one.status) == ("otto@b.example", Action.FAILED, "5.1.1")
    assert one.code == 550 and one.said.endswith("unknown")
    assert (two.address, two.action, two.status) == ("only@b.example", Action.DELAYED, "4.2.2")
    bare = dsn_in(OTHERS.replace(b"\r\n", b"\n"))
    assert bare == found


def test_no_dsn() -> None:
    assert dsn_in(b"") is None
    assert dsn_in(b"Subject: x\r\n\r\nFinal-Recipient: rfc822; a@b\r\n") is None
    assert dsn_in(OTHERS.replace(b"inal-Recipient", b"").replace(b"Original-R", b"X-R")) is None
    assert dsn_in(OTHERS.replace(b"delivery-status\r\n", b"feedback-report\r\n")) is None


def test_first_group_left_out() -> None:
    start = OTHERS.index(b"Reporting-MTA")
    found = dsn_in(OTHERS[:start] + OTHERS[OTHERS.index(b"Final-Recipient") :])
    assert found is not None and len(found.dsn.fates) == 2


def test_prepared_as_any_message() -> None:
    prepared = prepare(render_dsn(DSN, ORIGINAL, COVER))
    assert prepared.references == ("m1@example.org",) and not prepared.has_attachment
    assert prepared.preview.startswith("This is the post office")


_WORDS = st.text(max_size=60)
_TIMES = st.none() | st.integers(0, 2_000_000_000)


@given(
    st.lists(
        st.builds(Fate, _WORDS, st.sampled_from(Action), st.just("5.1.1"), _WORDS, _WORDS, _WORDS, _WORDS, _TIMES)
    ),
    st.builds(Original, st.binary(max_size=200), st.booleans(), _WORDS, _WORDS, _WORDS),
    _WORDS,
)
def test_any_values_make_a_message(fates: list[Fate], original: Original, envid: str) -> None:
    dsn = Dsn("h.example", (*fates, FAILED), AT, envid)
    octets = render_dsn(dsn, original, COVER)
    assert octets.count(b"\n") == octets.count(b"\r\n")
    found = dsn_in(octets)
    assert found is not None
    assert len(found.dsn.fates) <= len(dsn.fates)  # one without any address is no recipient
    assert found.dsn.fates[-1].address == FAILED.address
