import pytest

from posthaus.mail.nstring import nstring, string

STRINGS = [
    (b"", b'""'),
    (b"plain text", b'"plain text"'),
    (b'a "b" \\c', b'"a \\"b\\" \\\\c"'),
    (b"tab\tand\x7f", b'"tab\tand\x7f"'),
    (b"line\r\nend", b"{9}\r\nline\r\nend"),
    (b"bare\rcr", b"{7}\r\nbare\rcr"),
    ("ü".encode(), b"{2}\r\n\xc3\xbc"),
    (b"n\0ul", b"{3}\r\nnul"),
    (b'"\0', b'{1}\r\n"'),
    (b"\0", b"{0}\r\n"),
]


@pytest.mark.parametrize(("octets", "wanted"), STRINGS)
def test_string(octets: bytes, wanted: bytes) -> None:
    assert string(octets) == nstring(octets) == wanted


def test_nil() -> None:
    assert nstring(None) == b"NIL"
