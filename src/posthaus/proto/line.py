"""Lines of a command channel: CR LF ends one, a limit bounds it, nothing else is taken for an end.

Lines hands out whole lines without their CR LF, or the name of a fault. A bare LF is told at once, because a peer that
sends only LF waits for an answer; a bare CR is told when its line ends. A line beyond the limit is swallowed without
being kept, and told at its end. The octets after a line can be taken raw, for literals and message data.

Standards: RFC 5321 §2.3.8 (bare CR and bare LF), RFC 9051 §2.2, RFC 1939 §3.
Faults:    LineFault as a value; nothing is raised.
"""

from enum import Enum

_ENDLESS = 64  # limits of octets without an end of line: no client, but a flood


class Need(Enum):
    """What an engine says when it can go no further without more octets."""

    DATA = "data"


NEED_DATA = Need.DATA


class LineFault(Enum):
    """What was wrong with a line that is gone now."""

    BARE_CR = "bare-cr"
    BARE_LF = "bare-lf"
    TOO_LONG = "too-long"
    ENDLESS = "endless"


class Lines:
    """The octets that came and were not yet used."""

    __slots__ = ("_octets", "_searched", "_skipped", "_start")

    def __init__(self) -> None:
        self._octets = b""
        self._start = 0  # what lies before is used up
        self._searched = 0  # no LF between start and here
        self._skipped = 0  # octets swallowed of a line that is too long

    def __len__(self) -> int:
        return len(self._octets) - self._start

    def receive(self, octets: bytes) -> None:
        if self._start == len(self._octets):
            self._octets, self._searched = octets, 0
        else:
            self._searched -= self._start
            self._octets = self._octets[self._start :] + octets
        self._start = 0

    def clear(self) -> None:
        """Forget all that came, half a line included."""
        self._octets, self._start, self._searched, self._skipped = b"", 0, 0, 0

    def next_line(self, limit: int) -> bytes | LineFault | Need:
        """The next line without its CR LF. `limit` counts the CR LF too."""
        octets, start = self._octets, self._start
        end = octets.find(b"\n", self._searched)
        if end < 0:
            return self._wait(limit)
        self._start = self._searched = end + 1
        if self._skipped or end + 1 - start > limit:
            octets_of_line, self._skipped = self._skipped + end - start, 0
            return LineFault.ENDLESS if octets_of_line > limit * _ENDLESS else LineFault.TOO_LONG
        if end == start or octets[end - 1] != 13:
            return LineFault.BARE_LF
        line = octets[start : end - 1]
        return line if b"\r" not in line else LineFault.BARE_CR

    def peek(self) -> tuple[bytes, int]:
        """What came, and where the unused part begins: for readers that copy only once."""
        return self._octets, self._start

    def advance(self, to: int) -> None:
        """The octets before `to` (a place in what peek() gave) are used."""
        self._start = self._searched = to

    def take(self, n: int) -> bytes:
        """Up to n octets, as they are."""
        start = self._start
        piece = self._octets[start : start + n]
        self._start = self._searched = start + len(piece)
        return piece

    def _wait(self, limit: int) -> LineFault | Need:
        size = len(self._octets)
        self._searched = size
        if self._skipped or size - self._start > limit:
            self._skipped += size - self._start
            self._octets, self._start, self._searched = b"", 0, 0
            if self._skipped > limit * _ENDLESS:
                self._skipped = 0
                return LineFault.ENDLESS
        return NEED_DATA
