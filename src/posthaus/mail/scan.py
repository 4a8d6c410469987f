"""One pass over the octets of a message: its parts with their offsets.

Delimiter lines are found by bytes.find, with a needle as long as the open boundaries have in common, so nothing is done
per line or per octet. Every message has a tree: where MIME is broken, what cannot be divided is one part.

  - A delimiter is a line that begins with "--" and an open boundary (RFC 2046 §5.1.1: "an exact match of the entire
    candidate line is not required"); of several open ones the longest counts, then the innermost.
  - A delimiter of an outer multipart ends all that is open inside it. No close delimiter: the end of the parent.
  - The line end before a delimiter belongs to it (RFC 2046 §5.1.1). A header may be cut short by a delimiter.
  - A multipart without boundary, or without one delimiter, is text/plain: a person can read it. (Dovecot and Cyrus both
    answer with an empty text part, so the text is there and yet cannot be seen.)
  - message/rfc822 in base64 or quoted-printable (forbidden, RFC 2046 §5.2.1) has no offsets: application/octet-stream.
  - Beyond MIME_DEPTH and MIME_PARTS lies one part of application/octet-stream.

Standards: RFC 2045 §6.4, RFC 2046 §5.1, §5.2.1, RFC 6532 §3.7.
Faults:    none, whatever the octets.
"""

import re
from dataclasses import replace
from typing import Final

from posthaus.base.limit import MIME_DEPTH, MIME_FALSE_DELIMITERS, MIME_HEADER_OCTETS, MIME_PARTS
from posthaus.mail.entity import DIGEST, PLAIN, US_ASCII, Entity, entity_of
from posthaus.mail.structure import Part

_BLANK = re.compile(rb"\n\r?\n").search
_IDENTITY: Final = frozenset({b"7bit", b"8bit", b"binary"})
_ENCODED: Final = frozenset({b"base64", b"quoted-printable", b"x-uuencode", b"uuencode", b"x-uue"})


def scan(
    octets: bytes,
    *,
    entity: Entity | None = None,
    max_parts: int = MIME_PARTS,
    max_depth: int = MIME_DEPTH,
    max_false_delimiters: int = MIME_FALSE_DELIMITERS,
) -> Part:
    """The part tree of a message. `entity` is the reading of its header, where the caller has it already."""
    return _Scan(octets, max_parts, max_depth, max_false_delimiters).run(entity)


class _Open:
    """A part whose end is not found yet."""

    __slots__ = ("body_start", "entity", "header_start", "line_mark", "parts")

    def __init__(self, header_start: int, body_start: int, entity: Entity) -> None:
        self.header_start = header_start
        self.body_start = body_start
        self.entity = entity
        self.parts: list[Part] = []
        self.line_mark = -1  # LFs before the body, counted inside a message/rfc822 only


class _Scan:
    """The state of one pass. `path` leads from the root to the innermost open part; `boundaries[i]` is that of the
    multipart `path[holders[i]]`, and `needles[i]` finds the delimiters of boundaries 0 to i."""

    __slots__ = (
        "blank", "blank_end", "blank_from", "boundaries", "count", "false", "holders", "line_at", "line_total",
        "max_depth", "max_parts", "messages", "needles", "octets", "path", "root",
    )  # fmt: skip

    def __init__(self, octets: bytes, max_parts: int, max_depth: int, max_false: int) -> None:
        self.octets = octets
        self.max_parts = max_parts
        self.max_depth = max_depth
        self.false = max_false
        self.path: list[_Open] = []
        self.boundaries: list[bytes] = []
        self.holders: list[int] = []
        self.needles: list[bytes] = []
        self.count = 0
        self.messages = 0  # open message/rfc822
        self.line_at = self.line_total = 0
        self.blank_from, self.blank, self.blank_end = 1, 0, 0  # the empty line last found, and where it was looked for
        self.root: Part | None = None

    def run(self, entity: Entity | None) -> Part:
        at = self.open(0, PLAIN, entity)
        if self.boundaries:
            self.walk(at)
        self.close(0, len(self.octets))
        assert self.root is not None
        return self.root

    def walk(self, at: int) -> None:
        """From delimiter to delimiter until no boundary is open."""
        octets, find, boundaries = self.octets, self.octets.find, self.boundaries
        at = max(at - 1, 0)
        while boundaries:
            line = find(self.needles[-1], at)
            if line < 0:
                return
            which = 0 if len(boundaries) == 1 else self.match(line + 3)
            if which < 0:
                self.false -= 1
                if self.false < 0:
                    return
                at = line + 3
                continue
            after = line + 3 + len(boundaries[which])
            self.close(self.holders[which] + 1, line - (octets[line - 1 : line] == b"\r"))
            last = octets[after : after + 2] == b"--"
            del boundaries[which + (not last) :], self.holders[which + (not last) :], self.needles[which + (not last) :]
            if last:
                at = after
                continue
            start = find(b"\n", after) + 1 or len(octets)
            if self.count >= self.max_parts - 1:
                self.push(start, self.head(start), _opaque(PLAIN))
                boundaries.clear()
                return
            parent = self.path[self.holders[which]].entity
            at = self.open(start, DIGEST if parent.subtype == b"digest" else PLAIN, None) - 1

    def match(self, at: int) -> int:
        """Which open boundary stands here: the longest, of equal ones the innermost; -1 for none."""
        if not self.octets.startswith(tuple(self.boundaries), at):
            return -1
        best, length = -1, -1
        for index in range(len(self.boundaries) - 1, -1, -1):
            boundary = self.boundaries[index]
            if len(boundary) > length and self.octets.startswith(boundary, at):
                best, length = index, len(boundary)
        return best

    def open(self, start: int, default: Entity, entity: Entity | None) -> int:
        """A part begins here, and with it the messages that begin right inside it; returns where its body starts."""
        octets = self.octets
        while True:
            body = self.head(start)
            if entity is None:
                entity = entity_of(octets[start : min(body, start + MIME_HEADER_OCTETS)], default)
            self.push(start, body, entity)
            deep = len(self.path) > self.max_depth
            if entity.type == b"multipart":
                if deep:
                    self.path[-1].entity = _opaque(entity)
                elif entity.boundary:
                    self.enclose(entity.boundary)
                return body
            if entity.type != b"message" or entity.subtype not in (b"rfc822", b"global"):
                return body
            if deep or entity.encoding in _ENCODED or self.count >= self.max_parts:
                self.path[-1].entity = _opaque(entity)
                return body
            if not self.messages:
                self.line_at, self.line_total = body, 0
            self.messages += 1
            self.path[-1].line_mark = self.lines(body)
            start, default, entity = body, PLAIN, None

    def push(self, start: int, body: int, entity: Entity) -> None:
        part = _Open(start, body, entity)
        if self.messages:
            part.line_mark = self.lines(body)
        self.path.append(part)
        self.count += 1

    def enclose(self, boundary: bytes) -> None:
        needle = b"\n--" + boundary
        if self.needles:
            needle = _common(self.needles[-1], needle)
        self.boundaries.append(boundary)
        self.holders.append(len(self.path) - 1)
        self.needles.append(needle)

    def head(self, start: int) -> int:
        """Where the body begins of a part whose header starts here: after an empty line, or at a delimiter."""
        octets = self.octets
        if start == 0:
            if octets[:1] == b"\n":
                return 1
            if octets[:2] == b"\r\n":
                return 2
        before = max(start - 1, 0)  # the LF of the line before: the first line of the header may be empty
        # The empty line found for an earlier part still holds if it lies ahead, so headers without one cost one search.
        if not self.blank_from <= before <= self.blank:
            self.blank_from = before
            found = _BLANK(octets, before)
            self.blank, self.blank_end = (found.start(), found.end()) if found else (len(octets), len(octets))
        if self.boundaries:
            line = octets.find(b"\n--", before, self.blank)
            while line >= 0:
                if self.match(line + 3) >= 0:
                    return max(line + 1, start)
                self.false -= 1
                if self.false < 0:
                    break
                line = octets.find(b"\n--", line + 3, self.blank)
        return self.blank_end

    def close(self, depth: int, end: int) -> None:
        """All parts of the path deeper than this end here."""
        path = self.path
        while len(path) > depth:
            part = path.pop()
            entity = part.entity
            # An empty body begins behind the line end that its delimiter claims.
            end = max(end, part.body_start)
            if entity.type == b"multipart" and not part.parts:
                entity = _unreadable(entity)
            if part.line_mark >= 0:
                lines = self.lines(end) - part.line_mark
                if entity.type == b"message" and part.parts:
                    self.messages -= 1
                elif entity.type != b"text":
                    lines = 0
            else:
                lines = self.octets.count(b"\n", part.body_start, end) if entity.type == b"text" else 0
            closed = Part(
                part.header_start, part.body_start, end, lines,
                entity.type, entity.subtype, entity.encoding, entity.charset, tuple(part.parts), entity,
            )  # fmt: skip
            if path:
                path[-1].parts.append(closed)
            else:
                self.root = closed

    def lines(self, offset: int) -> int:
        """LFs up to here since the outermost open message began; each octet is counted once, however deep it lies."""
        if offset > self.line_at:
            self.line_total += self.octets.count(b"\n", self.line_at, offset)
            self.line_at = offset
        return self.line_total


def _opaque(entity: Entity) -> Entity:
    return replace(entity, type=b"application", subtype=b"octet-stream", boundary=b"", charset=b"", parameters=())


def _unreadable(entity: Entity) -> Entity:
    encoding = entity.encoding if entity.encoding in _IDENTITY | _ENCODED else b"7bit"
    return replace(
        entity, type=b"text", subtype=b"plain", boundary=b"", charset=b"", parameters=US_ASCII, encoding=encoding
    )


def _common(one: bytes, other: bytes) -> bytes:
    """The octets with which both begin."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return one[:index]
    return min(one, other, key=len)
