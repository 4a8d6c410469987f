"""The text of a message as a search sees it, made and kept."""

import pytest

from posthaus.mail.casemap import casemap
from posthaus.mail.scan import scan
from posthaus.mail.text import DIVIDER, Kept, Text, cut_spans, header_text

HTML = (
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and\r\n more\r\nFrom: A <a@a.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p class=3Dlead>in<b>vo</b>ice f&ouml;x&nbsp;jum=\r\nps</p>"
    b"\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nplain words\r\n--x\r\n"
    b"Content-Type: image/png; name=picture.png\r\n\r\nbinary\r\n--x--\r\n"
)
FOUND = [
    # needle, in the body, anywhere
    ("subject: grüße and more", False, True),
    ("inner", False, True),
    ("picture.png", False, True),
    ("preamble", False, False),
    ("binary", False, False),
    ("class=lead", True, True),  # as it is written
    ("invoice", True, True),  # as it is read
    ("föx jumps", True, True),
    ("fo", True, True),  # a letter is in the same one with a mark, which has a name of its own here
    ("fox", False, False),
    ("plain words", True, True),
    ("a.example", False, True),
    ("more\nfrom", False, True),
    ("words invoice", False, False),
    ("", True, True),
]


def _text(octets: bytes) -> Text:
    root = scan(octets)
    return Text(root, octets[: root.body_start], lambda start, end: octets[start:end])


@pytest.mark.parametrize(("needle", "in_body", "anywhere"), FOUND)
def test_what_is_made_and_what_is_kept_say_the_same(needle: str, in_body: bool, anywhere: bool) -> None:
    for text in (_text(HTML), Kept(_text(HTML).whole)):
        assert text.holds(casemap(needle), anywhere=False) is in_body
        assert text.holds(casemap(needle), anywhere=True) is anywhere


def _one(body: bytes, kind: bytes = b"text/plain; charset=utf-8", encoding: bytes = b"8bit") -> bytes:
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (kind, encoding, body)


LONG = "wörd " * 40_000


@pytest.mark.parametrize(
    ("octets", "pieces"),
    [
        (_one(b"a\r\nb\r\n"), ["a\r\nb\r\n"]),
        (_one(b"=C3=BC", encoding=b"quoted-printable"), ["ü"]),
        (_one(b"a,b", b"text/csv"), ["a,b"]),
        (_one(b"<p>a</p>", b"text/html"), ["<p>a</p>", "a"]),
        (_one(b'<meta charset="shift_jis">\x93\xfa\x96{', b"text/html"), ['<meta charset="shift_jis">日本', "日本"]),
        (_one(b"", b"text/html"), [""]),
        (_one(b"a\0b"), ["a\ufffdb"]),
        (_one(b"a", b"application/pdf"), []),
        (_one(LONG.encode()), [LONG]),
    ],
)
def test_what_a_part_is_read_as(octets: bytes, pieces: list[str]) -> None:
    assert _text(octets).whole.split(DIVIDER)[1:] == [casemap(piece) for piece in pieces]


def test_no_more_is_cut_than_is_wanted() -> None:
    cuts: list[tuple[int, int]] = []
    root = scan(HTML)

    def cut(start: int, end: int) -> bytes:
        cuts.append((start, end))
        return HTML[start:end]

    text = Text(root, HTML[: root.body_start], cut)
    assert text.holds("INVOICE", anywhere=False) and len(cuts) == 1
    assert not text.holds("NOWHERE", anywhere=True)
    assert set(cuts) == set(cut_spans(root))


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"A: One\r\n\tTwo\r\nB: x\r\n\r\n", "a: one\ttwo\nb: x\n\n"),
        (b"A: =?iso-8859-1?q?=C4?=\r\n =?iso-8859-1?q?=D6?=\r\nB:x\r\n", "a: äö\nb:x\n"),
        (b"A: \xc4\r\nB: \xc3\x84\r\n", "a: ä\nb: ä\n"),  # each field has a charset of its own
        (b"no field at all", "no field at all"),
        (b"A: a\0b\r\n", "a: a\ufffdb\n"),
    ],
)
def test_header_text(header: bytes, text: str) -> None:
    assert header_text(header).strip("\n") == casemap(text).strip("\n")
