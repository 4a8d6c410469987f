"""Any octets at all as a report: an answer or None, never an exception."""

from hypothesis import given
from hypothesis import strategies as st
from tests.mail.reports import complaint_in, dsn_in

from posthaus.mail.dsntext import render, subject
from posthaus.mail.fate import Original

_PIECES = [
    b"Content-Type: multipart/report; boundary=x\r\n\r\n", b"--x\r\n", b"--x--\r\n", b"\r\n", b"\n", b"\r", b"\0", b":",
    b"Content-Type: message/delivery-status\r\n\r\n", b"Content-Type: message/feedback-report\r\n\r\n", b";", b" ",
    b"<", b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    b"\xff", b"\xc3\xbc",
    b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: text/rfc822-headers\r\n\r\n", b"Message-ID: <a@b>\r\n",
    b"Reporting-MTA: dns; x\r\n", b"Final-Recipient: rfc822; a@b\r\n", b"Final-Recipient:", b"Action: failed\r\n",
    b"Action:", b"Status: 5.1.1\r\n", b"Status: 4", b"Diagnostic-Code: smtp; 550 no\r\n", b"Diagnostic-Code: 999999 ",
    b"Last-Attempt-Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n", b"Arrival-Date: 99", b"Original-Recipient: utf-8;",
    b"Will-Retry-Until: Thu, 31 Dec 9999 23:59:60 -2359\r\n", b"Feedback-Type: abuse\r\n", b"Original-Rcpt-To: <",
]  # fmt: skip
_OCTETS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(_PIECES), max_size=60).map(b"".join),
    st.lists(st.sampled_from(_PIECES), max_size=40).map(
        lambda pieces: _PIECES[0] + b"--x\r\n" + _PIECES[8] + b"Reporting-MTA: dns; x\r\n\r\n" + b"".join(pieces)
    ),
)


@given(_OCTETS)
def test_nothing_raises(octets: bytes) -> None:
    found = dsn_in(octets)
    if found is not None:
        original = Original(b"", False)
        assert found.dsn.fates and render(found.dsn, original) and subject(found.dsn, original)
    complaint = complaint_in(octets)
    assert complaint is None or complaint.kind
