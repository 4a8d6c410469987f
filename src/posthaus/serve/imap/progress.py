"""How far a long command has come: told every few seconds, so that a client neither gives up nor shows nothing.

Commands that go through many messages do so in pieces, and say after each how many are done. What is told is due by the
clock; a command that is over before says nothing.

Standards: RFC 9585 §4.
Faults:    none.
"""

from collections.abc import Callable

from posthaus.base import limit
from posthaus.proto.imap import code


class Progress:
    """Of the command under way, of one session."""

    __slots__ = ("_due", "_monotonic", "_tag")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tag = b""
        self._due = 0.0

    def begin(self, tag: bytes) -> None:
        """A command."""
        self._tag = tag
        self._due = self._monotonic() + limit.IMAP_PROGRESS_S

    def line(self, done: int, goal: int) -> bytes:
        """What is to be said now, of messages; b"" where nothing is."""
        now = self._monotonic()
        if now < self._due or done >= goal:
            return b""
        self._due = now + limit.IMAP_PROGRESS_S
        return b"* OK [%b] Still at it\r\n" % code.in_progress(self._tag, done, goal)
