import pytest

from posthaus.mail.scan import scan
from posthaus.mail.structure import OldStructure, Part, lookup, pack, span, unpack


def _octets(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


NESTED = _octets(
    "Content-Type: multipart/mixed; boundary=a",
    "",
    "--a",
    "",
    "one",
    "--a",
    "Content-Type: message/rfc822",
    "",
    "Subject: two",
    "Content-Type: multipart/alternative; boundary=b",
    "",
    "--b",
    "",
    "two one",
    "--b",
    "Content-Type: text/html",
    "",
    "two two",
    "--b--",
    "--a",
    "Content-Type: message/rfc822",
    "",
    "Subject: three",
    "",
    "three text",
    "--a--",
    "",
)
SINGLE = _octets("Subject: single", "", "body")
MESSAGE = _octets("Content-Type: message/rfc822", "", "Subject: inside", "", "inner body")

SPANS = [
    (NESTED, (), "", NESTED),
    (NESTED, (), "HEADER", b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"),
    (NESTED, (), "TEXT", NESTED[45:]),
    (NESTED, (), "MIME", None),
    (NESTED, (1,), "", b"one"),
    (NESTED, (1,), "MIME", b"\r\n"),
    (NESTED, (1,), "HEADER", None),
    (NESTED, (1,), "TEXT", None),
    (NESTED, (1, 1), "", None),
    (NESTED, (2,), "MIME", b"Content-Type: message/rfc822\r\n\r\n"),
    (NESTED, (2,), "HEADER", b"Subject: two\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"),
    (NESTED, (2,), "TEXT", b"--b\r\n\r\ntwo one\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo two\r\n--b--"),
    (NESTED, (2, 1), "", b"two one"),
    (NESTED, (2, 2), "", b"two two"),
    (NESTED, (2, 2), "MIME", b"Content-Type: text/html\r\n\r\n"),
    (NESTED, (2, 3), "", None),
    (NESTED, (3,), "", b"Subject: three\r\n\r\nthree text"),
    (NESTED, (3, 1), "", b"three text"),
    (NESTED, (3, 1, 1), "", None),
    (NESTED, (3, 2), "", None),
    (NESTED, (4,), "", None),
    (NESTED, (0,), "", None),
    (NESTED, (-1,), "", None),
    (SINGLE, (1,), "", b"body"),
    (SINGLE, (1,), "MIME", b"Subject: single\r\n\r\n"),
    (SINGLE, (1,), "HEADER", None),
    (SINGLE, (1, 1), "", None),
    (SINGLE, (2,), "", None),
    (MESSAGE, (1,), "", b"Subject: inside\r\n\r\ninner body"),
    (MESSAGE, (1,), "HEADER", b"Subject: inside\r\n\r\n"),
    (MESSAGE, (1,), "TEXT", b"inner body"),
    (MESSAGE, (1, 1), "", b"inner body"),
    (MESSAGE, (1, 1, 1), "", None),
]


@pytest.mark.parametrize(("octets", "section", "text", "wanted"), SPANS)
def test_span(octets: bytes, section: tuple[int, ...], text: str, wanted: bytes | None) -> None:
    for root in (scan(octets), unpack(pack(scan(octets)))):
        found = span(root, section, text)
        assert (None if found is None else octets[slice(*found)]) == wanted


def test_lookup() -> None:
    root = scan(NESTED)
    assert lookup(root, ()) is root
    found = lookup(root, (2, 2))
    assert found is not None
    assert (found.type, found.subtype) == (b"text", b"html")


@pytest.mark.parametrize("octets", [b"", SINGLE, NESTED, MESSAGE])
def test_pack_and_unpack(octets: bytes) -> None:
    root = scan(octets)
    assert unpack(pack(root)) == root


def test_many_parts() -> None:
    leaf = Part(1, 2, 3, 4, b"text", b"plain", b"7bit", b"utf-8", ())
    root = Part(0, 1, 9, 0, b"multipart", b"mixed", b"7bit", b"", (leaf,) * 9_999)
    assert unpack(pack(root)) == root


@pytest.mark.parametrize("octets", [b"", b"\0", b"\xff\1\0\0\0", pack(scan(NESTED))[:-60], pack(scan(NESTED))[:20]])
def test_another_layout(octets: bytes) -> None:
    with pytest.raises(OldStructure):
        unpack(octets)
