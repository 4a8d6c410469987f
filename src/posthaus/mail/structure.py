"""The part tree of a message: offsets into its octets, packed small, found by section number.

Offsets count from the first octet of the blob. `octets[header_start:body_start]` is a part's header with its empty
line, `octets[body_start:body_end]` its body. A multipart has its parts in `parts`; message/rfc822 and message/global
have one, the message inside. A packed tree names its layout; what has none that is known is never guessed at.

Standards: RFC 9051 §6.4.5 (section numbers), RFC 2046 §5.1, §5.2.1.
Faults:    OldStructure (ValueError): packed in another layout, or no packed tree at all.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from posthaus.mail.entity import Entity

# Of the scan and all that is made from it: raise it when an answer changes, and the sweep prepares older mail again.
VERSION: Final = 1
# Of a packed tree. The layout of the previous release stays readable until all of its mail has been prepared again.
_LAYOUT: Final = 1

_ROW: Final = 5  # numbers per part: count of its parts, header start, body start, body end, lines


class OldStructure(ValueError):
    """Not in a layout that this release reads."""


@dataclass(slots=True)
class Part:
    """One entity of a message. type to charset are lower case; charset is b"" where none is declared.

    Not to be changed, and yet not frozen: a frozen one takes four times as long to make (measured).
    """

    header_start: int
    body_start: int
    body_end: int
    lines: int  # LFs in the body; counted for text and for a message only, else 0
    type: bytes
    subtype: bytes
    encoding: bytes
    charset: bytes
    parts: "tuple[Part, ...]"
    entity: Entity | None = field(default=None, compare=False, repr=False)  # fresh from a scan; not packed

    @property
    def is_multipart(self) -> bool:
        return self.type == b"multipart" and bool(self.parts)

    @property
    def is_message(self) -> bool:
        return self.type == b"message" and bool(self.parts)


def pack(part: Part) -> bytes:
    """The tree as octets: layout, number of parts, five numbers each, then the words."""
    numbers: list[int] = []
    words: list[bytes] = []
    waiting = [part]
    while waiting:
        one = waiting.pop()
        numbers += (len(one.parts), one.header_start, one.body_start, one.body_end, one.lines)
        words.append(b"%b %b %b %b" % (one.type, one.subtype, one.encoding, one.charset))
        waiting.extend(reversed(one.parts))
    return struct.pack(f"<BI{len(numbers)}I", _LAYOUT, len(words), *numbers) + b"\n".join(words)


def unpack(octets: bytes) -> Part:
    """The tree again, without the entities."""
    if len(octets) < 5 or octets[0] != _LAYOUT:
        raise OldStructure(octets[:1].hex())
    (count,) = struct.unpack_from("<I", octets, 1)
    try:
        numbers = struct.unpack_from(f"<{count * _ROW}I", octets, 5)
    except struct.error:
        raise OldStructure("cut short") from None
    words = octets[5 + count * _ROW * 4 :].split(b"\n")
    if not 0 < count == len(words):
        raise OldStructure("cut short")
    # Parts stand in preorder: read from the end, each finds its own parts on top of the pile.
    pile: list[Part] = []
    for index in range(count - 1, -1, -1):
        inner, header_start, body_start, body_end, lines = numbers[index * _ROW : index * _ROW + _ROW]
        parts: tuple[Part, ...] = ()
        if inner:
            parts = tuple(pile[: -inner - 1 : -1])
            del pile[-inner:]
        type_, subtype, encoding, charset = words[index].split(b" ")
        pile.append(Part(header_start, body_start, body_end, lines, type_, subtype, encoding, charset, parts))
    return pile[0]


def lookup(root: Part, section: Sequence[int]) -> Part | None:
    """The part with this number, (1, 2, 3) for "1.2.3"; the message itself for (). None where there is none."""
    # RFC 9051 §6.4.5: every message has at least one part number; a message that is not multipart is its own part 1,
    # also when it lies inside another. A leaf has no part 1.1: servers differ (some answer with part 1 again); we say
    # NIL, because a number must not name two things.
    part = container = root
    own = True  # the container is a message, so its part 1 may be itself
    for number in section:
        if container.is_multipart:
            if not 0 < number <= len(container.parts):
                return None
            part = container.parts[number - 1]
        elif own and number == 1:
            part = container
        else:
            return None
        own = part.is_message
        container = part.parts[0] if own else part
    return part


def span(root: Part, section: Sequence[int], text: str = "") -> tuple[int, int] | None:
    """Offsets of BODY[section.text], text being "", "HEADER", "TEXT" or "MIME"; None where the section has none.

    section-spec = section-msgtext / (section-part ["." section-text])
    """
    part = lookup(root, section)
    if part is None:
        return None
    if text == "MIME":
        # Of a message that is not multipart, 1.MIME is the message's own header: there the MIME fields stand.
        return (part.header_start, part.body_start) if section else None
    if not text:
        return (part.body_start if section else part.header_start), part.body_end
    if section:
        if not part.is_message:
            return None
        part = part.parts[0]
    return (part.header_start, part.body_start) if text == "HEADER" else (part.body_start, part.body_end)
