"""Binary parts and NUL become base64, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.base import limit
from posthaus.mail.decode import decode_body
from posthaus.mail.reencode import reencode
from posthaus.mail.scan import scan
from posthaus.mail.structure import Part

_ENCODING = b"Content-Transfer-Encoding: "
_MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n"


def _leaves(root: Part) -> list[Part]:
    return [leaf for part in root.parts for leaf in _leaves(part)] if root.parts else [root]


def _contents(octets: bytes) -> list[bytes]:
    """What a reader has of each leaf in the end."""
    return [decode_body(octets[p.body_start : p.body_end], p.encoding) for p in _leaves(scan(octets))]


UNTOUCHED = {
    "plain text": b"Subject: x\r\n\r\nhello\r\n",
    "empty": b"",
    "the word alone": b"Subject: binary\r\n\r\nbinary\r\n",
    "8bit": b"Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n",
    "bare line ends without the label": b"Content-Transfer-Encoding: 8bit\n\na\rb\nc",
    "the label in a body": b"Subject: x\r\n\r\nContent-Transfer-Encoding: binary\r\n",
    "the label of a part that is none": b"Subject: x\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n",
}

CHANGED = {
    "binary": (
        b"Subject: x\r\nContent-Transfer-Encoding: binary\r\nX: y\r\n\r\n\0\1\2",
        b"Subject: x\r\nContent-Transfer-Encoding: base64\r\nX: y\r\n\r\nAAEC\r\n",
    ),
    "binary without content": (
        b"Content-Transfer-Encoding: binary\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n",
    ),
    "in capitals, folded, with a comment, twice": (
        b"CONTENT-transfer-encoding :\r\n BiNaRy (as it is)\r\nX: y\r\nContent-Transfer-Encoding: 7bit\r\n\r\na\rb",
        b"Content-Transfer-Encoding: base64\r\nX: y\r\n\r\nYQ1i\r\n",
    ),
    "NUL in a text without any MIME": (
        b"Subject: x\r\n\r\na\0b",
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nSubject: x\r\n\r\nYQBi\r\n",
    ),
    "NUL in a MIME message without encoding": (
        b"mime-version: 1.0\r\n\r\na\0b",
        b"Content-Transfer-Encoding: base64\r\nmime-version: 1.0\r\n\r\nYQBi\r\n",
    ),
    "no header at all": (b"\r\n\0", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n"),
    "NUL in a field": (b"Sub\0ject: a\0b\r\n\r\nhello\r\n", b"Sub?ject: a?b\r\n\r\nhello\r\n"),
    "NUL in quoted-printable": (
        _ENCODING + b"quoted-printable\r\n\r\n=41\0=\r\nb",
        _ENCODING + b"base64\r\n\r\nQQBi\r\n",
    ),
    "NUL in base64, where it means nothing": (
        _ENCODING + b"base64\r\n\r\nYW\0I=\r\n",
        _ENCODING + b"base64\r\n\r\nYWI=\r\n",
    ),
    "NUL in an encoding nobody knows": (
        _ENCODING + b"x-own\r\n\r\na\0b",
        _ENCODING + b"x-own\r\n\r\na?b",
    ),
    "lines of 76": (
        _ENCODING + b"binary\r\n\r\n" + b"a" * 58,
        _ENCODING + b"base64\r\n\r\n" + b"YWFh" * 19 + b"\r\nYQ==\r\n",
    ),
    "one part among others": (
        _MIXED
        + b"\r\nbefore\r\n--b\r\n\r\ntext\nas it is\r\n--b\r\n"
        + _ENCODING
        + b"binary\r\n\r\n\0\r\n\r\n--b--\r\n",
        _MIXED + b"\r\nbefore\r\n--b\r\n\r\ntext\nas it is\r\n--b\r\n" + _ENCODING + b"base64\r\n\r\nAA0K\r\n--b--\r\n",
    ),
    "NUL between parts": (
        _MIXED + b"\r\n\0\r\n--b\r\n\r\nx\r\n--b--\r\n\0",
        _MIXED + b"\r\n?\r\n--b\r\n\r\nx\r\n--b--\r\n?",
    ),
    "NUL that keeps a line from being a delimiter": (
        _MIXED + b"\r\n-\0-b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        _MIXED + b"\r\n-?-b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    ),
    "a multipart that is binary": (
        _MIXED + _ENCODING + b"binary\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        _MIXED + _ENCODING + b"8bit\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    ),
    "a message that is binary": (
        b"Content-Type: message/rfc822\r\n" + _ENCODING + b"binary\r\n\r\n" + _ENCODING + b"binary\r\n\r\nab",
        b"Content-Type: message/rfc822\r\n" + _ENCODING + b"8bit\r\n\r\n" + _ENCODING + b"base64\r\n\r\nYWI=\r\n",
    ),
    "a multipart without one delimiter may not be encoded": (
        _MIXED + _ENCODING + b"binary\r\n\r\na\0b",
        _MIXED + _ENCODING + b"8bit\r\n\r\na?b",
    ),
    "an unfinished part at the end": (
        _MIXED + b"\r\n--b\r\n" + _ENCODING + b"binary\r\n\r\n\0",
        _MIXED + b"\r\n--b\r\n" + _ENCODING + b"base64\r\n\r\nAA==\r\n",
    ),
    "a header cut short by a delimiter": (
        _MIXED + b"\r\n--b\r\n" + _ENCODING + b"binary\r\n--b--\r\n",
        _MIXED + b"\r\n--b\r\n" + _ENCODING + b"base64\r\n--b--\r\n",
    ),
}


@pytest.mark.parametrize("octets", UNTOUCHED.values(), ids=UNTOUCHED)
def test_nothing_to_do(octets: bytes) -> None:
    assert reencode(octets) is octets


@pytest.mark.parametrize(("octets", "wanted"), CHANGED.values(), ids=CHANGED)
def test_changed(octets: bytes, wanted: bytes) -> None:
    assert reencode(octets) == wanted
    assert reencode(wanted) is wanted


def test_beyond_the_last_part_nothing_is_encoded() -> None:
    part = b"--b\r\n\r\n\0\r\n"
    octets = _MIXED + b"\r\n" + part * (limit.MIME_PARTS + 5) + b"--b--\r\n"
    found = reencode(octets)
    assert b"\0" not in found
    assert found.count(b"--b\r\n") == limit.MIME_PARTS + 5
    assert found.endswith(b"--b\r\n\r\n?\r\n--b--\r\n")


_BODIES = st.binary(max_size=300).filter(lambda b: b"\n--" not in b and not b.startswith(b"--"))
_LABELS = st.sampled_from(
    [b"", _ENCODING + b"binary\r\n", b"content-transfer-encoding:BINARY\r\n", _ENCODING + b"8bit\r\n"]
)
_PART = st.builds(lambda label, body: label + b"\r\n" + body, _LABELS, _BODIES)


def _mixed(parts: list[bytes]) -> bytes:
    # A boundary that no body can have within its 300 octets of chance
    whole = b"".join(b"\r\n--outer=1\r\n" + part for part in parts)
    return b'Content-Type: multipart/mixed; boundary="outer=1"\r\n\r\npre\r\n' + whole + b"\r\n--outer=1--\r\n"


_MESSAGES = st.one_of(_PART, st.lists(_PART, min_size=1, max_size=4).map(_mixed))
_WRAPPED = _MESSAGES | _MESSAGES.map(lambda inner: b"Content-Type: message/rfc822\r\n\r\n" + inner)


@given(_WRAPPED)
def test_content_stays(octets: bytes) -> None:
    found = reencode(octets)
    assert b"\0" not in found
    assert _contents(found) == _contents(octets)
    assert all(part.encoding != b"binary" for part in _leaves(scan(found)))
    assert reencode(found) is found


@given(st.binary(max_size=400) | st.lists(st.sampled_from([b"\0", b"\r\n", b"--b", b"--", _MIXED, _ENCODING, b"binary",
       b"Content-Type: message/rfc822\r\n", b"\n", b" ", b"x", b":"]), max_size=40).map(b"".join))  # fmt: skip
def test_any_octets(octets: bytes) -> None:
    assert b"\0" not in reencode(octets)
