"""Message data on the wire: dots unstuffed in bulk, and the one end that data has.

CR LF "." CR LF ends data, and nothing else does: not LF.LF, not CR.CR, not LF.CRLF, nor any other mixture, for one of
two servers in a row would read on where the other one stops (SMTP smuggling). Bare CR and bare LF are kept in sight and
refused when the message is over. All work is done by find, count and replace over whole pieces, never by line.

Standards: RFC 5321 §4.5.2, §4.1.1.4 and §2.3.8, RFC 3030 §2.
Faults:    Body.fault, a reply to give at the end.
"""

from posthaus.base import limit
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply

_END = b"\r\n.\r\n"
_DOT = b"\r\n."
_HELD = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # what may become the end, or a stuffed dot, with the next octets


class Body:
    """The state of one message between DATA's 354 and its end."""

    __slots__ = ("_first", "_line", "_line_limit", "_long", "_size_limit", "bare", "size")

    def __init__(self, size_limit: int, line_limit: int = limit.SMTP_TEXT_LINE_OCTETS) -> None:
        self.size = 0  # octets, unstuffed
        self.bare = False
        self._first = True  # nothing seen yet: a dot here stands at the begin of a line
        self._line = 0  # octets of the line so far
        self._long = False
        self._size_limit = size_limit
        self._line_limit = line_limit

    @property
    def fault(self) -> Reply | None:
        if self.size > self._size_limit:
            return reply.TOO_LARGE
        if self.bare:
            return reply.BARE_IN_DATA
        return reply.DATA_LINE_TOO_LONG if self._long else None

    def read(self, octets: bytes, start: int) -> tuple[bytes, int, bool]:
        """Content in octets[start:], unstuffed; the place up to which it is used; and whether data ended there.

        Up to four octets are left unused where only the next ones can tell what they are. Of a message with a fault
        nothing more is given.
        """
        if self._first:
            begun, start, ended = self._begin(octets, start)
            if not begun:
                return b"", start, ended
        # The first dot at the begin of a line is nearly always the end: then nothing was stuffed, and one search does.
        dot = octets.find(_DOT, start)
        if dot >= 0:
            end = octets.find(_END, dot)
            if end >= 0:
                return self._check(octets[start : end + 2], end != dot), end + 5, True
        used = len(octets) - _held(octets, start)
        return self._check(octets[start:used], dot >= 0), used, False

    def count_chunk(self, size: int) -> bool:
        """Octets of a BDAT chunk come in, where all are content; whether to keep them."""
        self.size += size
        return self.size <= self._size_limit

    def _begin(self, octets: bytes, start: int) -> tuple[bool, int, bool]:
        """A dot as the very first octet: DATA's own CR LF stands before it."""
        if octets.startswith(b".", start):
            if octets.startswith(b".\r\n", start):
                return False, start + 3, True
            if len(octets) - start < 3 and octets[start:] in (b".", b".\r"):
                return False, start, False
            start += 1
        elif start == len(octets):
            return False, start, False
        self._first = False
        return True, start, False

    def _check(self, content: bytes, stuffed: bool) -> bytes:
        if not content:
            return content
        ends = content.count(b"\r\n")
        if content.count(b"\n") != ends or content.count(b"\r") != ends:
            self.bare = True
        self._measure(content)
        if stuffed:
            content = content.replace(_DOT, b"\r\n")
        self.size += len(content)
        return b"" if self.bare or self._long or self.size > self._size_limit else content

    def _measure(self, content: bytes) -> None:
        """Find a line beyond the limit, in steps of the limit."""
        last = content.rfind(b"\n")
        if self._line + len(content) > self._line_limit:
            at = content.find(b"\n")
            if self._line + (at if at >= 0 else len(content)) > self._line_limit:
                self._long = True
            while 0 <= at < last and not self._long:
                at = content.rfind(b"\n", at + 1, at + 2 + self._line_limit)
                self._long = at < 0
            if last >= 0 and len(content) - last - 1 > self._line_limit:
                self._long = True
        self._line = len(content) - last - 1 if last >= 0 else self._line + len(content)


def _held(octets: bytes, start: int) -> int:
    tail = octets[max(start, len(octets) - 4) :]
    if b"\r" in tail:
        for held in _HELD:
            if tail.endswith(held):
                return len(held)
    return 0
