"""A submitted message made fit, octet by octet."""

import pytest

from posthaus.base.limit import ADDRESS_LIST_OCTETS, HEADER_ADDRESSES, HEADER_FIELDS
from posthaus.flow.submit import authors, make_fit
from posthaus.mail.header import read_header

DATE = b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
ID = b"Message-ID: <1@c.example>\r\n"
FROM = b"From: a@b.example\r\n"
NEW_DATE = b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
NEW_ID = b"Message-ID: <new@mx.example>\r\n"

FITS: list[tuple[bytes, bytes | None]] = [
    (DATE + ID + FROM + b"\r\n", None),
    (b"DATE: whatever\r\nmessage-id:\r\n" + FROM + b"\r\n", None),
    (FROM + b"\r\n", NEW_DATE + NEW_ID + FROM + b"\r\n"),
    (DATE + FROM + b"\r\n", NEW_ID + DATE + FROM + b"\r\n"),
    (DATE + ID + b"BCC: x\r\n y\r\n" + FROM + b"bcc : z\r\n\r\n", DATE + ID + FROM + b"\r\n"),
    (DATE + ID + b"Return-Path: <>\r\n" + FROM + b"\r\n", DATE + ID + FROM + b"\r\n"),
    (DATE + ID + b"X-Bcc: x\r\n" + FROM + b"\r\n", None),
    (b"\r\n", NEW_DATE + NEW_ID + b"\r\n"),
]


@pytest.mark.parametrize(("head", "wanted"), FITS)
def test_make_fit(head: bytes, wanted: bytes | None) -> None:
    fit = make_fit(read_header(head), at=1_767_225_600, message_id="new@mx.example")
    assert (None if fit is None else b"".join(fit)) == wanted


AUTHORS: list[tuple[bytes, list[str] | None]] = [
    (FROM, ["a@b.example"]),
    (b'From: =?utf-8?q?A=2C_B?= <A@B.example>, "x, y" <c@d>\r\n', ["A@b.example", "c@d"]),
    (b"From: Group: a@b, c@d;\r\n", ["a@b", "c@d"]),
    (b'From: "a b"@c.example\r\n', ['"a b"@c.example']),
    ("From: jörg@münchen.example\r\n".encode(), ["jörg@xn--mnchen-3ya.example"]),
    (b"From: undisclosed:;\r\n", None),
    (b"From: nobody\r\n", None),
    (b"From: \xff@b\r\n", None),
    (b"From:\r\n", None),
    (FROM + FROM, None),
    (b"Sender: a@b\r\n", None),
    # what is beyond the limits is not read, and might be another author
    (FROM + b"a:\n" * (HEADER_FIELDS - 2), ["a@b.example"]),
    (FROM + b"a:\n" * (HEADER_FIELDS - 1) + b"From: c@d\r\n", None),
    (FROM + b"a:\n" * HEADER_FIELDS, None),
    (b"From: " + b"a@b," * (HEADER_ADDRESSES - 2) + b"a@b\r\n", ["a@b"] * (HEADER_ADDRESSES - 1)),
    (b"From: " + b"a@b," * HEADER_ADDRESSES + b"c@d\r\n", None),
    (b"From: a@b (" + b"x" * ADDRESS_LIST_OCTETS + b"), c@d\r\n", None),
]


@pytest.mark.parametrize(("head", "wanted"), AUTHORS)
def test_authors(head: bytes, wanted: list[str] | None) -> None:
    found = authors(read_header(head + b"\r\n"))
    assert (None if found is None else [str(one) for one in found]) == wanted
