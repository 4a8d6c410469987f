"""Lines and literals: whole commands cut out of the stream, before any grammar.

A Frame is the text of one command with SLOT in place of each literal, and the literals. At a literal's header the
framing stops until it is told to keep, hand out or skip the octets; so an answer to the client goes out before a single
octet is read, and a literal that is skipped costs nothing but its reading, whatever its size. What follows the skipped
literal of a client that does not wait belongs to the same command and is skipped with it, further literals too.

Standards: RFC 9051 §2.2, §4.3; RFC 7888 §4.
Faults:    Fault as a value; nothing is raised but Misuse, for calls out of order (a defect).
"""

import re
from enum import Enum

from posthaus.proto.imap.token import SLOT, Literal
from posthaus.proto.line import NEED_DATA, Need
from posthaus.proto.misuse import Misuse

_HEADER = re.compile(rb"(~?)\{(\d{1,20})(\+?)\}$").search
_HEADER_OCTETS = 32  # the longest header, with CRLF: all that is kept of a line that is skipped
_FAULT_TEXT_OCTETS = 256  # what is kept of a line that is too long, for its tag


class Frame:
    """One command."""

    __slots__ = ("bare_lf", "literals", "text")

    def __init__(self, text: bytes, literals: list[Literal], *, bare_lf: bool) -> None:
        self.text = text
        self.literals = literals
        self.bare_lf = bare_lf  # one of its lines ended with LF alone


class Header:
    """A literal is announced; `text` is the command so far, without a slot for it (but with the "~" before it)."""

    __slots__ = ("binary", "literals", "non_sync", "size", "text")

    def __init__(self, text: bytes, literals: list[Literal], size: int, *, non_sync: bool, binary: bool) -> None:
        self.text = text
        self.literals = literals
        self.size = size
        self.non_sync = non_sync
        self.binary = binary


class Fault:
    """A line that is none. It is gone, with all that belongs to its command; `text` is its beginning."""

    __slots__ = ("text", "why")

    def __init__(self, why: str, text: bytes) -> None:
        self.why = why
        self.text = text


class _At(Enum):
    LINE = "in a line"
    HEADER = "at a header, undecided"
    KEEP = "in a literal that is kept"
    HAND_OUT = "in a literal that is handed out"
    SKIP = "in a literal that is skipped"
    SKIP_LINE = "in a line that is skipped"


class Framing:
    """The octets that came and were not yet used, and where in a command they are."""

    __slots__ = ("_at", "_bare_lf", "_left", "_literals", "_octets", "_searched", "_text", "header")

    def __init__(self) -> None:
        self._octets = bytearray()
        self._searched = 0  # no LF before here
        self._at = _At.LINE
        self._text = b""  # of the command so far
        self._literals: list[Literal] | None = None  # None for the usual command, which has none
        self._bare_lf = False
        self.header: Header | None = None  # of the literal that is announced, or that we are in
        self._left = 0  # octets of it still to come

    def receive(self, octets: bytes) -> None:
        self._octets += octets

    def clear(self) -> None:
        """Forget all that came."""
        self._octets = bytearray()
        self._searched = self._left = 0
        self._start_over()

    def starts_with(self, octet: bytes) -> bool:
        """For the sniffing of other protocols at the very beginning."""
        return self._octets.startswith(octet)

    # -- commands -------------------------------------------------------------------------------------------------

    def next(self, limit: int) -> Frame | Header | bytes | Fault | Need:
        """The next thing; bytes are octets of a literal that is handed out. `limit` bounds the text of a command."""
        while True:
            at = self._at
            if at is _At.LINE:
                return self._next_line(limit)
            if at is _At.HEADER:
                return NEED_DATA
            if at is _At.KEEP:
                if len(self._octets) < self._left:
                    return NEED_DATA
                self._end_literal(self._cut(self._left))
            elif at is _At.HAND_OUT:
                if self._left:
                    return self._take_chunk()
                self._end_literal(None)
            elif not self._skip():
                return NEED_DATA

    def keep(self) -> None:
        """Decide on the header: the literal becomes a part of the command."""
        self._decide(_At.KEEP)

    def hand_out(self) -> None:
        """Decide on the header: the octets come in pieces as they arrive."""
        self._decide(_At.HAND_OUT)

    def refuse(self) -> None:
        """Decide on the header: the command is over, and what the client sends of it all the same is skipped."""
        self._decide(_At.LINE)
        non_sync = self.header is not None and self.header.non_sync
        self._start_over()
        if non_sync:
            self._at = _At.SKIP

    def next_raw(self, limit: int) -> tuple[bytes, bool] | Fault | Need:
        """One line that is no command (a SASL response, DONE), and whether it ended with LF alone."""
        while self._at is not _At.LINE:
            if not self._skip():
                return NEED_DATA
        line = self._take_line(limit, b"")
        if isinstance(line, bytes):
            if line.endswith(b"\r"):
                return line[:-1], False
            return line, True
        return line

    # -- the inside -----------------------------------------------------------------------------------------------

    def _next_line(self, limit: int) -> Frame | Header | Fault | Need:
        line = self._take_line(limit - len(self._text), self._text)
        if not isinstance(line, bytes):
            return line
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            self._bare_lf = True
        header = _HEADER(line) if line.endswith(b"}") else None
        if SLOT in line or b"\r" in line:
            return self._fault("NUL or a bare CR in the line", line, header)
        if header is not None:
            return self._announce(line, header)
        frame = Frame(self._text + line, self._literals or [], bare_lf=self._bare_lf)
        self._start_over()
        return frame

    def _take_line(self, limit: int, before: bytes) -> bytes | Fault | Need:
        """The next line without its LF."""
        octets = self._octets
        end = octets.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(octets)
            if len(octets) <= limit + 1:  # of which one may be the CR
                return NEED_DATA
            return self._too_long(limit, before)
        if end > limit + octets.endswith(b"\r", 0, end):
            return self._too_long(limit, before)
        self._searched = 0
        line = bytes(octets[:end])
        del octets[: end + 1]
        return line

    def _too_long(self, limit: int, before: bytes) -> Fault:
        text = before or bytes(self._octets[:limit])
        self._start_over()
        self._at = _At.SKIP_LINE
        self._searched = 0
        return Fault("the line is too long", text[:_FAULT_TEXT_OCTETS])

    def _fault(self, why: str, line: bytes, header: re.Match[bytes] | None) -> Fault:
        fault = Fault(why, (self._text or line)[:_FAULT_TEXT_OCTETS])
        self._start_over()
        if header is not None and header[3]:
            self._left = int(header[2])
            self._at = _At.SKIP
        return fault

    def _announce(self, line: bytes, header: re.Match[bytes]) -> Header:
        self._text += line[: header.start() + len(header[1])]
        self._left = int(header[2])
        self._at = _At.HEADER
        if self._literals is None:
            self._literals = []
        self.header = Header(self._text, self._literals, self._left, non_sync=bool(header[3]), binary=bool(header[1]))
        return self.header

    def _decide(self, at: _At) -> None:
        if self._at is not _At.HEADER:
            raise Misuse("no literal is announced")
        self._at = at

    def _end_literal(self, octets: bytes | None) -> None:
        if self._literals is not None and self.header is not None:
            self._literals.append(Literal(octets, self.header.size, self.header.binary))
        self.header = None
        self._text += SLOT
        self._at = _At.LINE
        self._searched = 0

    def _take_chunk(self) -> bytes | Need:
        size = min(self._left, len(self._octets))
        if not size:
            return NEED_DATA
        self._left -= size
        return self._cut(size)

    def _cut(self, size: int) -> bytes:
        octets = bytes(memoryview(self._octets)[:size])
        del self._octets[:size]
        return octets

    def _skip(self) -> bool:
        """Skip what is there to be skipped; False where more has to come."""
        octets = self._octets
        if self._at is _At.SKIP:
            size = min(self._left, len(octets))
            self._left -= size
            del octets[:size]
            if self._left:
                return False
            self._at = _At.SKIP_LINE
            self._searched = 0
        end = octets.find(b"\n", self._searched)
        if end < 0:
            del octets[:-_HEADER_OCTETS]
            self._searched = len(octets)
            return False
        tail = bytes(octets[max(0, end - _HEADER_OCTETS) : end]).removesuffix(b"\r")
        del octets[: end + 1]
        self._searched = 0
        header = _HEADER(tail)
        if header is not None and header[3]:
            self._left = int(header[2])
            self._at = _At.SKIP
        else:
            self._start_over()
        return True

    def _start_over(self) -> None:
        """At the beginning of a command; the octets stay."""
        self._at = _At.LINE
        self._text = b""
        self._literals = None
        self.header = None
        self._bare_lf = False
