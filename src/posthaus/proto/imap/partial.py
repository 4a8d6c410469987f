"""A partial range: which of many results, counted from the first or, with minus signs, from the last.

Standards: RFC 9394 §3.1, §4; RFC 5267 §4.4.
Faults:    ParseFault.
"""

import re
from dataclasses import dataclass

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import MAX_NUMBER
from posthaus.proto.imap.token import Cursor

_RANGE = re.compile(rb"(-?)([1-9]\d{0,9}):(-?)([1-9]\d{0,9})(?=[ )]|$)").match


@dataclass(frozen=True, slots=True)
class Partial:
    """As the client wrote it, for it goes back so; 500:400 is 400:500."""

    first: int
    last: int
    from_end: bool = False

    @property
    def farthest(self) -> int:
        """So many results are looked at, from the end that is meant."""
        return max(self.first, self.last)

    @property
    def size(self) -> int:
        """Of so many it speaks."""
        return abs(self.last - self.first) + 1

    def slice(self, total: int) -> slice:
        """Which these are of so many results."""
        low, high = sorted((self.first, self.last))
        if self.from_end:
            return slice(max(total - high, 0), max(total - low + 1, 0))
        return slice(low - 1, high)

    def render(self) -> bytes:
        return (b"-%d:-%d" if self.from_end else b"%d:%d") % (self.first, self.last)


def take_partial(cursor: Cursor) -> Partial:
    """partial-range = nz-number ":" nz-number / MINUS nz-number ":" MINUS nz-number"""
    m = _RANGE(cursor.text, cursor.at)
    if m is None or m[1] != m[3]:
        raise ParseFault("a partial range is 1:100 or -1:-100")
    first, last = int(m[2]), int(m[4])
    if max(first, last) > MAX_NUMBER:
        raise ParseFault("a number has 32 bits")
    cursor.at = m.end()
    return Partial(first, last, m[1] == b"-")
