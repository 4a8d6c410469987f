"""How far a long command has come: told every few seconds, so that a client neither gives up nor shows nothing.

What is told is due by the clock, also where a single piece of the work takes as long: a write waits for others, a text
lies far away. Numbers are known where a command goes through messages in pieces; else it only says that it is at it. A
line may stand between any two others, so nothing that takes its octets one after the other is done meanwhile.

Standards: RFC 9585 §4.
Faults:    none.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

from posthaus.base import limit
from posthaus.proto.imap import code


class Progress:
    """Of the command under way, of one session. It is told while this is entered."""

    __slots__ = ("_done", "_goal", "_tag", "_tell", "_timer")

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell  # a whole line
        self._tag = b""
        self._done = self._goal = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, tag: bytes) -> None:
        """A command."""
        self._tag = tag

    def at(self, done: int, goal: int) -> None:
        """So many messages of so many are done."""
        self._done, self._goal = done, goal

    def __enter__(self) -> None:
        self.at(0, 0)
        self._wait()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(limit.IMAP_PROGRESS_S, self._due)

    def _due(self) -> None:
        goal = self._goal if self._done < self._goal else 0
        self._tell(b"* OK [%b] Still at it\r\n" % code.in_progress(self._tag, self._done, goal))
        self._wait()
