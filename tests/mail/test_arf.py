"""Abuse reports, read: the example of the RFC, and what is none."""

from tests.mail.reports import complaint_in

# RFC 5965 appendix B.2, shortened
EXAMPLE = b"""From: <abusedesk@example.com>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report;\r
     boundary="part1_13d.2e68ed54_boundary"\r
\r
--part1_13d.2e68ed54_boundary\r
Content-Type: text/plain; charset="US-ASCII"\r
\r
This is an email abuse report.\r
--part1_13d.2e68ed54_boundary\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: SomeGenerator/1.0\r
Version: 1\r
Original-Mail-From: <somespammer@example.net>\r
Original-Rcpt-To: <user@example.com>\r
Original-Rcpt-To: <other@example.com>\r
Source-IP: 192.0.2.1\r
\r
--part1_13d.2e68ed54_boundary\r
Content-Type: message/rfc822\r
Content-Disposition: inline\r
\r
From: <somespammer@example.net>\r
Message-ID: 8787KJKJ3K4J3K4J3K4J3.mail@example.net\r
\r
Spam Spam Spam\r
--part1_13d.2e68ed54_boundary--\r
"""


def test_example() -> None:
    found = complaint_in(EXAMPLE)
    assert found is not None
    assert (found.kind, found.agent, found.source) == ("abuse", "SomeGenerator/1.0", "192.0.2.1")
    assert found.reverse_path == "somespammer@example.net"
    assert found.recipients == ("user@example.com", "other@example.com")
    assert found.message_id == "8787KJKJ3K4J3K4J3K4J3.mail@example.net"
    assert found.envid == ""


def test_none() -> None:
    assert complaint_in(b"Subject: x\r\n\r\n") is None
    assert complaint_in(EXAMPLE.replace(b"feedback-report\r\n", b"delivery-status\r\n")) is None
    assert complaint_in(EXAMPLE.replace(b"Feedback-Type", b"X")) is None
