import base64

import pytest

from posthaus.mail.preview import preview
from posthaus.mail.scan import scan


def _message(body: str, kind: str = "text/plain; charset=utf-8", encoding: str = "8bit") -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}".encode()


def _mixed(*parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body + b"--b--\r\n"


LONG = "wörd " * 40_000
ATTACHED = b"Content-Disposition: attachment\r\n" + _message("attached")

PREVIEWS = [
    (b"", ""),
    (_message("  one\r\n\r\n two\tthree "), "one two three"),
    (_message(LONG), LONG[:256]),
    (_message(base64.encodebytes(LONG.encode()).decode(), encoding="base64"), LONG[:256]),
    (_message("=C3=BC=20" * 1_000, encoding="quoted-printable"), ("ü " * 1_000)[:256]),
    (_message(" " * 10_000 + "late"), "late"),
    (_message("<style>x</style><p>Hello<p>you", "text/html"), "Hello you"),
    (_message("<style>" + "x{}" * 10_000 + "</style><p>late", "text/html"), "late"),
    (_message('<meta charset="shift_jis">', "text/html") + b"\x93\xfa\x96{", "日本"),
    (_message("pad\u200b\u00ad\u034fded\ufeff"), "padded"),
    (_message("x", "image/png"), ""),
    (_mixed(_message("first"), _message("second")), "first"),
    (_mixed(ATTACHED, _message("second")), "second"),
    (_mixed(_message(" \r\n"), _message("<p>second", "text/html")), "second"),
    (_mixed(_message("<img src=x>", "text/html"), _message("plain")), "plain"),
    (_mixed(b"Content-Type: message/rfc822\r\n\r\n" + _message("forwarded")), "forwarded"),
    (_message("a\0b"), "a\ufffdb"),
]


@pytest.mark.parametrize(("octets", "wanted"), PREVIEWS)
def test_preview(octets: bytes, wanted: str) -> None:
    assert preview(octets, scan(octets)) == wanted
