"""Trace fields; nothing a peer says can make another line of them."""

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.trace import Hop, Result

AT = 1_767_225_600.5


def test_keywords() -> None:
    def word(**on: bool) -> str:
        return trace.protocol(**{"esmtp": True, "lmtp": False, "tls": False, "auth": False, "smtputf8": False, **on})

    assert word(esmtp=False) == "SMTP"
    assert word() == "ESMTP"
    assert word(tls=True) == "ESMTPS"
    assert word(auth=True) == "ESMTPA"
    assert word(tls=True, auth=True) == "ESMTPSA"
    assert word(smtputf8=True) == "UTF8SMTP"
    assert word(smtputf8=True, tls=True, auth=True) == "UTF8SMTPSA"
    assert word(lmtp=True, esmtp=False) == "LMTP"
    assert word(lmtp=True, tls=True) == "LMTPS"
    assert word(lmtp=True, smtputf8=True) == "UTF8LMTP"


def test_received_of_our_own_people() -> None:
    hop = Hop("laptop.lan", "192.0.2.1", "", "mx.example", "ESMTPSA", "t1", AT, is_hidden=True, priority=-4)
    assert trace.render_received(hop) == (
        b"Received: from unknown (authenticated)\r\n"
        b"\tby mx.example with ESMTPSA\r\n"
        b"\tid t1\r\n"
        b"\tpriority -4; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    )


def test_received() -> None:
    hop = Hop("c.example", "192.0.2.1", "r.example", "mx.example", "ESMTPS", "t1", AT, "TLSv1.3 X", Address("a", "b"))
    assert trace.render_received(hop) == (
        b"Received: from c.example (r.example [192.0.2.1])\r\n"
        b"\tby mx.example with ESMTPS (TLSv1.3 X)\r\n"
        b"\tid t1\r\n"
        b"\tfor <a@b>; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    )
    bare = Hop("", "2001:db8::1", "", "mx.example", "SMTP", "t1", AT)
    assert trace.render_received(bare) == (
        b"Received: from unknown ([2001:db8::1])\r\n\tby mx.example with SMTP\r\n"
        b"\tid t1; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    )


def test_paths() -> None:
    assert trace.render_return_path(None) == b"Return-Path: <>\r\n"
    assert trace.render_return_path(Address("a b", "c")) == b'Return-Path: <"a b"@c>\r\n'
    assert trace.render_delivered_to(Address("a", "b")) == b"Delivered-To: a@b\r\n"


def test_authentication_results() -> None:
    assert trace.render_arc_results(1, "mx.example", ()) == (
        b"ARC-Authentication-Results: i=1; mx.example;\r\n\tnone\r\n"
    )
    results = (
        Result("spf", "pass", (("smtp", "mailfrom", "a@b.example"),)),
        Result(
            "dkim", "fail", (("header", "d", "b.example"), ("header", "b", 'x"y z\r\nEvil: 1')), reason='no\r\n"key"'
        ),
    )
    assert trace.render_arc_results(2, "mx.example", results) == (
        b"ARC-Authentication-Results: i=2; mx.example;\r\n"
        b"\tspf=pass smtp.mailfrom=a@b.example;\r\n"
        b'\tdkim=fail reason="no??\\"key\\"" header.d=b.example header.b="x\\"y z??Evil: 1"\r\n'
    )


PVALUES = [
    ("a@b.example", "a@b.example"),
    ("@b.example", "@b.example"),
    ("rsa-sha256", "rsa-sha256"),
    ("/gCrinpc", '"/gCrinpc"'),
    ("2001:db8::1", '"2001:db8::1"'),
    ("a/b=c@b.example", '"a/b=c@b.example"'),
    ("a@b@c", '"a@b@c"'),
    ("", '""'),
]


@pytest.mark.parametrize(("value", "wanted"), PVALUES)
def test_values_are_quoted_where_they_must_be(value: str, wanted: str) -> None:
    field = trace.render_arc_results(1, "mx.example", [Result("x", "pass", (("header", "y", value),))]).decode()
    assert field.endswith(f"header.y={wanted}\r\n")
    payload = field.removeprefix("ARC-Authentication-Results: i=1; ").replace("\r\n", "")
    (found,) = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {payload}").results
    if value:  # it reads an empty one as none
        assert found.properties[0].value == value


def test_a_long_result_has_lines_of_its_own() -> None:
    properties = tuple(("header", name, name * 390) for name in "dis")
    field = trace.render_arc_results(3, "mx.example", [Result("dkim", "pass", properties)])
    assert field.startswith(b"ARC-Authentication-Results: i=3; mx.example;\r\n\tdkim=pass\r\n\t\theader.d=ddd")
    assert max(map(len, field.split(b"\r\n"))) <= 998


def test_received_fields_are_counted_in_the_header_only() -> None:
    header = b"Received: a\r\nX: y\r\nRECEIVED: b\r\n Received: folded\r\nNot-Received: c\r\n\r\nReceived: body\r\n"
    assert trace.count_received(header) == 2
    assert trace.count_received(b"") == 0


def is_one_field(octets: bytes, name: bytes) -> bool:
    lines = octets.split(b"\r\n")
    return (
        octets.endswith(b"\r\n")
        and lines[0].startswith(name + b": ")
        and all(line.startswith(b"\t") for line in lines[1:-1])
        and b"\n" not in octets.replace(b"\r\n", b"")
        and b"\r" not in octets.replace(b"\r\n", b"")
        and b"\0" not in octets
        and max(map(len, lines)) <= 998
    )


@given(st.text(max_size=600), st.text(max_size=600), st.text(max_size=600))
def test_no_value_breaks_out(one: str, two: str, three: str) -> None:
    hop = Hop(one, two, three, one, "ESMTP", two, AT, three, Address(one[:200], "b.example"))
    assert is_one_field(trace.render_received(hop), b"Received")
    assert is_one_field(trace.render_return_path(Address(one[:200], "b")), b"Return-Path")
    assert is_one_field(trace.render_delivered_to(Address(one[:200], "b")), b"Delivered-To")
    results = [Result(one, two, ((three, one, two),), three)]
    assert is_one_field(trace.render_arc_results(1, one, results), b"ARC-Authentication-Results")
