"""A header as its fields, in their order and to the octet.

Fields are split by one regular expression; a field is its raw octets with its line end. Only an empty line ends a
header: a line without a colon is a field without a name, kept in its place (Dovecot and Cyrus agree on the octets of
BODY[HEADER] only so). Line ends are CR LF or a bare LF; a bare CR is an octet like any other.

Standards: RFC 5322 §2.2, §2.2.3, §4.5 (white space before the colon).
Faults:    none; a header of any octets has a reading.
"""

import re

from posthaus.base.limit import HEADER_FIELDS, HEADER_OCTETS
from posthaus.base.value import value

_FIELD_END = re.compile(rb"\n(?![ \t])").split
_BLANK = re.compile(rb"\n\r?\n").search


@value
class Header:
    """Fields of one header; `names` are lower-case and stand beside `raws`. `blank` is the empty line or b""."""

    raws: list[bytes]
    names: list[bytes]
    first: dict[bytes, bytes]  # name -> raw octets of its first occurrence
    blank: bytes

    def value(self, name: bytes) -> bytes | None:
        """Unfolded value of the first field of this (lower-case) name."""
        raw = self.first.get(name)
        return None if raw is None else value_of(raw)

    def values(self, name: bytes) -> list[bytes]:
        """Unfolded values of all fields of this (lower-case) name, in order."""
        return [value_of(raw) for raw, key in zip(self.raws, self.names, strict=True) if key == name]


def head_end(octets: bytes) -> int:
    """Length of the header of a message, with the empty line; all of it where no empty line is."""
    if octets[:1] == b"\n":
        return 1
    if octets[:2] == b"\r\n":
        return 2
    found = _BLANK(octets)
    return found.end() if found else len(octets)


def is_crowded(head: bytes) -> bool:
    """More fields stand there than are ever read."""
    if head.count(b"\n") < HEADER_FIELDS:
        return False
    pieces = _FIELD_END(_cut_blank(head[: head_end(head)])[0])
    return len(pieces) - (not pieces[-1]) > HEADER_FIELDS


def read_header(head: bytes, limit_octets: int = HEADER_OCTETS) -> Header:
    """Fields of a header block that may or may not end with its empty line; of a larger one the first whole fields."""
    head, blank = _cut_blank(head)
    if len(head) > limit_octets:
        head = _cut(head, limit_octets)
    raws = [raw + b"\n" for raw in _FIELD_END(head)]
    # What follows the last LF is a line that was cut off, or nothing.
    last = raws.pop()[:-1]
    if last:
        raws.append(last)
    del raws[HEADER_FIELDS:]
    names = [raw[:colon].rstrip().lower() if (colon := raw.find(b":")) > 0 else b"" for raw in raws]
    first = dict(zip(reversed(names), reversed(raws), strict=True))
    return Header(raws, names, first, blank)


def value_of(raw: bytes) -> bytes:
    """What stands after the colon, unfolded, without white space around it."""
    value = raw[raw.find(b":") + 1 :].strip()
    return unfold(value) if b"\n" in value else value


def unfold(value: bytes) -> bytes:
    """Line ends taken out; the white space after them stays (RFC 5322 §2.2.3)."""
    return value.replace(b"\r\n", b"").replace(b"\n", b"")


def _cut(head: bytes, limit_octets: int) -> bytes:
    """As many whole fields as lie within the limit."""
    end = limit_octets
    while (end := head.rfind(b"\n", 0, end)) >= 0 and head[end + 1 : end + 2] in (b" ", b"\t"):
        pass
    return head[: end + 1]


def _cut_blank(head: bytes) -> tuple[bytes, bytes]:
    if head.endswith((b"\n\r\n", b"\n\n")) or head in (b"\r\n", b"\n"):
        size = 2 if head.endswith(b"\r\n") else 1
        return head[:-size], head[-size:]
    return head, b""
