"""Modified UTF-7: names of mailboxes for clients that have not enabled IMAP4rev2.

Every name has exactly one spelling: what `encode` does not write, `decode` does not read (an encoded letter that
could stand for itself, two shifts side by side, bits left over). So two spellings never name one mailbox.

Standards: RFC 3501 §5.1.3, RFC 9051 §A.1, RFC 2152.
Faults:    NotModifiedUtf7 (ValueError).
"""

import re
from binascii import Error, a2b_base64, b2a_base64

_PLAIN = re.compile(rb"[\x20-\x25\x27-\x7e]*").fullmatch
_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_READABLE = re.compile(rb"(?:[\x20-\x25\x27-\x7e]|&[A-Za-z0-9+,]*-)*+").fullmatch
_ENCODED = re.compile(r"[^\x20-\x7e]+|&")


class NotModifiedUtf7(ValueError):
    """The octets are not the one spelling of any name."""


def encode(name: str) -> bytes:
    """The one spelling of a name; raises NotModifiedUtf7 for a lone surrogate."""
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode("ascii")
    try:
        return _ENCODED.sub(lambda m: _shift(m[0]), name).encode("ascii")
    except UnicodeEncodeError as e:
        raise NotModifiedUtf7("lone surrogate") from e


def decode(octets: bytes) -> str:
    """The name, or NotModifiedUtf7."""
    if _PLAIN(octets) is not None:
        return octets.decode("ascii")
    if _READABLE(octets) is None:
        raise NotModifiedUtf7("octets that stand for nothing")
    name = "".join(_pieces(octets))
    if encode(name) != octets:
        raise NotModifiedUtf7("another spelling is the right one")
    return name


def _shift(text: str) -> str:
    if text == "&":
        return "&-"
    letters = b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=")
    return "&" + letters.replace(b"/", b",").decode("ascii") + "-"


def _pieces(octets: bytes) -> list[str]:
    """Plain text and shifted text in turn; re.split with one group gives them so."""
    pieces: list[str] = []
    for i, piece in enumerate(_SHIFTED.split(octets)):
        if i % 2 == 0:
            pieces.append(piece.decode("ascii"))
        elif piece == b"":
            pieces.append("&")
        else:
            pieces.append(_unshift(piece))
    return pieces


def _unshift(letters: bytes) -> str:
    padded = letters.replace(b",", b"/") + b"=" * (-len(letters) % 4)
    try:
        return a2b_base64(padded).decode("utf-16-be")
    except (Error, UnicodeDecodeError) as e:
        raise NotModifiedUtf7("no base64 of UTF-16") from e
