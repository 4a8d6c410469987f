"""Time, through one door.

Whoever needs the time is handed a Clock, so a test can hand in one that jumps.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """now() is Unix time in seconds (may be set back by an admin); monotonic() is for deadlines; cpu() is what this
    process has worked, in seconds."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def cpu(self) -> float: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def cpu(self) -> float:
        return time.process_time()
