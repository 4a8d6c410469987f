"""TLS reports: the record, the JSON, the packing."""

import gzip
import json

import pytest

from posthaus.base import limit
from posthaus.mail.tlsrpt import (
    Failure,
    Policy,
    Report,
    ReportFault,
    pack,
    parse_record,
    parse_report,
    render_report,
    unpack,
)

REPORT = Report(
    "Company-X",
    "postmaster@company-x.example",
    "5065427c-23d3",
    1_459_468_800,
    1_459_555_199,
    (
        Policy(
            "sts",
            "company-y.example",
            ("version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"),
            ("*.mail.company-y.example",),
            5_326,
            (
                Failure("certificate-expired", 100, "2001:db8::1", "mx1.mail.company-y.example"),
                Failure("starttls-not-supported", 200, "2001:db8::2", "mx2.test", "203.0.113.56", "mx-b.test", "none"),
                Failure("validation-failure", 3, "198.51.100.62"),
            ),
            303,
        ),
        Policy("no-policy-found", "company-y.example", successes=1),
    ),
)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ([b"v=TLSRPTv1; rua=mailto:reports@example.com"], ("mailto:reports@example.com",)),  # RFC 8460 §3.1
        (
            [b"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt , mailto:a@b.test;"],
            ("https://reporting.example.com/v1/tlsrpt", "mailto:a@b.test"),
        ),
        ([b"v=spf1 -all", b"v=TLSRPTv1;rua=mailto:a@b.test;x=y"], ("mailto:a@b.test",)),
        ([b"v=TLSRPTv1; x=y; rua=ftp://b.test/,mailto:a@b.test,mailto:a b"], ("mailto:a@b.test",)),
        ([b"v=TLSRPTv1; rua=mailto:a@b.test", b"v=TLSRPTv1; rua=mailto:a@b.test"], ()),
        ([b"v=TLSRPTv2; rua=mailto:a@b.test"], ()),
        ([b"v=TLSRPTv1; rua="], ()),
        ([b"v=TLSRPTv1; rua=mailto:\xff@b.test"], ()),
        ([b"v=TLSRPTv1;"], ()),
        ([], ()),
    ],
)
def test_records(texts: list[bytes], wanted: tuple[str, ...]) -> None:
    assert parse_record(texts) == wanted


def test_not_to_everybody() -> None:
    many = ",".join(f"mailto:{n}@b.test" for n in range(100)).encode()
    assert len(parse_record([b"v=TLSRPTv1; rua=" + many])) == limit.TLSRPT_URIS


def test_written_and_read() -> None:
    octets = render_report(REPORT)
    assert parse_report(unpack(pack(octets))) == REPORT
    assert parse_report(unpack(octets)) == REPORT
    assert pack(octets) == pack(octets)


def test_the_words_of_the_rfc() -> None:
    """RFC 8460 §4.4"""
    found = json.loads(render_report(REPORT))
    assert list(found) == ["organization-name", "date-range", "contact-info", "report-id", "policies"]
    assert found["date-range"] == {
        "start-datetime": "2016-04-01T00:00:00Z",
        "end-datetime": "2016-04-01T23:59:59Z",
    }
    first, second = found["policies"]
    assert first["policy"]["mx-host"] == ["*.mail.company-y.example"]
    assert first["summary"] == {"total-successful-session-count": 5326, "total-failure-session-count": 303}
    assert first["failure-details"][1] == {
        "result-type": "starttls-not-supported",
        "sending-mta-ip": "2001:db8::2",
        "receiving-mx-hostname": "mx2.test",
        "receiving-mx-helo": "mx-b.test",
        "receiving-ip": "203.0.113.56",
        "failure-reason-code": "none",
        "failed-session-count": 200,
    }
    assert second == {
        "policy": {"policy-type": "no-policy-found", "policy-domain": "company-y.example"},
        "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
    }


def test_reading_is_lenient() -> None:
    text = (
        '{"policies": [{"policy": {"policy-type": "sts", "policy-string": "version: STSv1", "mx-host": "mx.test",'
        ' "policy-domain": "B.test"}, "summary": {"total-successful-session-count": "7",'
        ' "total-failure-session-count": -1}, "failure-details": null}, 5], "date-range": 1, "report-id": 3}'
    )
    report = parse_report(text.encode())
    assert report.policies == (Policy("sts", "b.test", ("version: STSv1",), ("mx.test",), 7), Policy("", ""))
    assert (report.id, report.start) == ("", 0)


@pytest.mark.parametrize("octets", [b"", b"[]", b"{}", b'{"policies": 1}', b"\xff", b"[" * 100_000])
def test_no_report(octets: bytes) -> None:
    with pytest.raises(ReportFault):
        parse_report(octets)


def test_packed_too_well() -> None:
    with pytest.raises(ReportFault, match="too long"):
        unpack(gzip.compress(b" " * (limit.TLSRPT_OCTETS + 1)))
    with pytest.raises(ReportFault, match="unpacked"):
        unpack(b"\x1f\x8b rubbish")
    with pytest.raises(ReportFault, match="too long"):
        parse_report(b" " * (limit.TLSRPT_OCTETS + 1))
