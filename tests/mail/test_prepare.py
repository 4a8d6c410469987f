import time
from pathlib import Path

import pytest

from posthaus.mail import fieldcache, headerpick, structure
from posthaus.mail.bodystructure import plain
from posthaus.mail.prepare import has_attachment, prepare
from posthaus.mail.scan import scan
from posthaus.testing.bodygrammar import check_body, check_bodystructure, check_envelope

MESSAGES = sorted((Path(__file__).parent / "messages").glob("*.eml"))

OCTETS = (
    b"Received: from x\r\n\tby y\r\nFrom: =?utf-8?q?J=C3=B6rg?= <j@a.test>\r\nTo: b@c.test, g: d@e.test;\r\n"
    b"Subject: Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 05 Jan 2026 01:00:03 +0100\r\n"
    b"Message-ID: <3@a.test>\r\nIn-Reply-To: <2@a.test>\r\nReferences: <1@a.test>\r\n <2@a.test>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello   you\r\n--b\r\n"
    b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--b--\r\n"
)


def test_all_facts() -> None:
    p = prepare(OCTETS)
    assert p.size_octets == len(OCTETS)
    assert OCTETS[: p.head_octets].endswith(b"boundary=b\r\n\r\n")
    assert p.version == structure.VERSION
    assert structure.unpack(p.structure) == scan(OCTETS)
    assert p.fields.startswith(b"From: ")
    assert p.fields.endswith(b"boundary=b\r\n\r\n")
    wanted = (b"subject", b"date")
    assert fieldcache.pick(p.fields, p.field_index, wanted) == headerpick.pick(OCTETS[: p.head_octets], wanted)
    assert p.preview == "Hello you"
    assert (p.subject, p.base_subject) == ("Re: [list] Grüße", "Grüße")
    assert (p.message_id, p.references) == ("3@a.test", ("1@a.test", "2@a.test"))
    assert (p.sender, p.recipients) == ("Jörg <j@a.test>", "b@c.test, g:, d@e.test")
    assert p.sent_at == 1_767_571_203
    assert p.has_attachment


def test_of_nothing() -> None:
    p = prepare(b"")
    assert (p.head_octets, p.preview, p.subject, p.message_id, p.references) == (0, "", "", "", ())
    assert (p.sent_at, p.has_attachment, p.sender, p.fields, p.field_index) == (None, False, "", b"", b"")


def test_memoryview() -> None:
    assert prepare(memoryview(OCTETS)) == prepare(OCTETS)


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"References: none\r\nIn-Reply-To: <1@a> <2@a>\r\n", ("1@a",)),
        (b"In-Reply-To: <1@a> <2@a>\r\n", ("1@a",)),
        (b"References: <1@a>\r\nIn-Reply-To: <2@a>\r\n", ("1@a",)),
        (b"References:\r\n", ()),
    ],
)
def test_references(head: bytes, wanted: tuple[str, ...]) -> None:
    assert prepare(head + b"\r\n").references == wanted


def _multipart(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


TEXT = b"\r\ntext"
ATTACHMENTS = [
    (TEXT, False),
    (b"Content-Type: application/pdf\r\n\r\nx", True),
    (b"Content-Disposition: attachment\r\n\r\nx", True),
    (_multipart(b"alternative", TEXT, b"Content-Type: text/html\r\n\r\nx"), False),
    (_multipart(b"alternative", TEXT, b"Content-Type: text/calendar\r\n\r\nx"), False),
    (_multipart(b"mixed", TEXT, b"Content-Type: application/pdf\r\n\r\nx"), True),
    (_multipart(b"mixed", TEXT, b"Content-Type: text/plain; name=a.txt\r\n\r\nx"), True),
    (_multipart(b"mixed", TEXT, b"Content-Disposition: attachment\r\n\r\nx"), True),
    (_multipart(b"mixed", TEXT, TEXT), False),
    (_multipart(b"mixed", TEXT, b"Content-Type: image/png\r\nContent-Disposition: inline\r\n\r\nx"), False),
    (_multipart(b"mixed", TEXT, b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny"), True),
    (_multipart(b"related", TEXT, b"Content-Type: image/png\r\nContent-ID: <x>\r\n\r\nx"), False),
    (_multipart(b"signed", TEXT, b"Content-Type: application/pgp-signature; name=s.asc\r\n\r\nx"), False),
    (_multipart(b"report", TEXT, b"Content-Type: message/delivery-status\r\n\r\nx"), False),
]


@pytest.mark.parametrize(("octets", "wanted"), ATTACHMENTS)
def test_has_attachment(octets: bytes, wanted: bool) -> None:
    assert has_attachment(scan(octets)) is wanted


def _cut_short(octets: bytes) -> list[bytes]:
    return [octets[:size] for size in range(len(octets))]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_odd_mail_cut_anywhere(path: Path) -> None:
    for octets in _cut_short(path.read_bytes()):
        p = prepare(octets)
        check_envelope(p.envelope)
        check_bodystructure(p.bodystructure)


HEAVY = [
    b"To: " + b"a <b@c.test>, " * 200_000 + b"\r\n\r\n",
    b"To: " + b"(" * 900_000 + b"\r\n\r\n",
    b"Subject: " + b"=?utf-8?q?=C3=BC?= " * 50_000 + b"\r\n\r\n",
    b"Subject: " + b"Re: " * 200_000 + b"\r\n\r\n",
    b"References: " + b"<a@b> " * 150_000 + b"\r\n\r\n",
    b"Content-Type: text/plain; " + b"a=b; " * 200_000 + b"\r\n\r\n",
    b"Content-Type: text/plain; " + b"a" * 1_000_000 + b"\r\n\r\n",
    b"Content-Language: " + b"a " * 500_000 + b"\r\n\r\n",
    b"A: b\r\n" * 1_000_000,
    b"A: b\r\n" + b" c\r\n" * 1_000_000,
    b"Content-Type: text/html\r\n\r\n" + b"<div>" * 400_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n" * 20_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n" * 20_000,
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b" " * 1_000_000 + b"x\r\n \r\n",
    b"\0" * 10_000_000,
    b"\n" * 10_000_000,
    b"x" * 50_000_000,
]


@pytest.mark.parametrize("number", range(len(HEAVY)))
def test_time_is_bounded(number: int) -> None:
    began = time.process_time()
    p = prepare(HEAVY[number])
    assert time.process_time() - began < 5.0  # well below one second at rest; what is quadratic takes minutes
    check_envelope(p.envelope)
    check_bodystructure(p.bodystructure)
    assert len(p.preview) <= 256


def test_body_of_the_deepest() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 2_000
    p = prepare(octets)
    check_bodystructure(p.bodystructure)
    check_body(plain(p.bodystructure))
