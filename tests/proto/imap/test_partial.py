"""Partial ranges: which results they are, and what is none."""

import pytest

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.partial import Partial, take_partial
from posthaus.proto.imap.token import Cursor


def read(text: bytes) -> Partial:
    return take_partial(Cursor(text))


@pytest.mark.parametrize(
    ("text", "of_six"),
    [
        (b"1:2", [1, 2]),
        (b"2:1", [1, 2]),
        (b"3:3", [3]),
        (b"5:100", [5, 6]),
        (b"7:8", []),
        (b"-1:-1", [6]),
        (b"-1:-2", [5, 6]),
        (b"-3:-2", [4, 5]),
        (b"-5:-100", [1, 2]),
        (b"-7:-8", []),
        (b"1:4294967295", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_which(text: bytes, of_six: list[int]) -> None:
    # RFC 9394 §3.1
    partial = read(text)
    assert list(range(1, 7))[partial.slice(6)] == of_six
    assert partial.render() == text


@pytest.mark.parametrize(
    "text", [b"", b"1", b"1:*", b"0:1", b"1:0", b"-1:2", b"1:-2", b"1:4294967296", b'"1:2"', b"1:2,3"]
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        read(text)
