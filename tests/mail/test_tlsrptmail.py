"""TLS reports as mail."""

import dataclasses

import pytest
from tests.mail.test_tlsrpt import REPORT

from posthaus.mail.address import Address
from posthaus.mail.header import head_end, read_header
from posthaus.mail.scan import scan
from posthaus.mail.tlsrpt import ReportFault, render_report
from posthaus.mail.tlsrptmail import Cover, find_report, render_mail

COVER = Cover(
    "b.test", "a.test", Address("tls", "b.test"), Address("postmaster", "a.test"), 1_459_555_300, "x@a.test", "edge"
)


def test_written_and_found() -> None:
    octets = render_mail(REPORT, COVER)
    assert find_report(octets, scan(octets)) == REPORT
    assert octets.isascii() and max(map(len, octets.split(b"\r\n"))) <= 998
    header = read_header(octets[: head_end(octets)])
    assert header.value(b"tls-report-domain") == b"b.test"
    assert header.value(b"tls-report-submitter") == b"a.test"
    assert header.value(b"tls-required") == b"No"
    assert b"report-type=tlsrpt" in (header.value(b"content-type") or b"")
    subject = b" ".join((header.value(b"subject") or b"").split())
    assert subject == b"Report Domain: b.test Submitter: a.test Report-ID: <5065427c-23d3>"
    assert b'filename="a.test!b.test!1459468800!1459555199.json.gz"' in octets
    assert b"5326 sessions with TLS as wanted, 303 without" in octets


def test_what_a_host_says_makes_no_line() -> None:
    (first, *_) = REPORT.policies[0].failures
    evil = dataclasses.replace(first, host="mx\r\n\r\n--edge\r\nX: y", reason="ä" * 2_000)
    policy = dataclasses.replace(REPORT.policies[0], failures=(evil,))
    octets = render_mail(dataclasses.replace(REPORT, policies=(policy,)), COVER)
    assert octets.count(b"\r\n--edge") == 3
    assert find_report(octets, scan(octets)) is not None


def test_found_without_packing_and_without_multipart() -> None:
    octets = b"Content-Type: application/tlsrpt+json\r\n\r\n" + render_report(REPORT)
    assert find_report(octets, scan(octets)) == REPORT


def test_none_and_broken() -> None:
    octets = b"Subject: x\r\n\r\nhello"
    assert find_report(octets, scan(octets)) is None
    octets = b"Content-Type: application/tlsrpt+gzip\r\n\r\nhello"
    with pytest.raises(ReportFault):
        find_report(octets, scan(octets))
