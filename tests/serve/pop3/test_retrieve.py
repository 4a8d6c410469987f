"""Lines of a body for TOP; the rest of retrieving is in test_session.py."""

import pytest

from posthaus.serve.pop3.retrieve import first_lines

CASES = [
    (b"", 0, b"", 0),
    (b"", 3, b"", 3),
    (b"a\r\nb\r\nc", 0, b"", 0),
    (b"a\r\nb\r\nc", 1, b"a\r\n", 0),
    (b"a\r\nb\r\nc", 2, b"a\r\nb\r\n", 0),
    (b"a\r\nb\r\nc", 3, b"a\r\nb\r\nc", 1),
    (b"a\nb\n", 1, b"a\n", 0),
    (b"\r\n\r\n", 5, b"\r\n\r\n", 3),
]


@pytest.mark.parametrize(("body", "lines", "wanted", "left"), CASES)
def test_first_lines(body: bytes, lines: int, wanted: bytes, left: int) -> None:
    assert first_lines(body, lines) == (wanted, left)
