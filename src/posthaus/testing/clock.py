"""A clock that jumps: a test decides what time it is, and nobody sleeps.

It starts at a time of its own and runs on with the machine's, so that deadlines between two real events still pass;
jump() moves both hands, step() the wall clock alone. A frozen one moves by jumps only.

Standards: none.
Faults:    ValueError where monotonic time would go back.
"""

import time

START_S = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC


class JumpClock:
    """Clock of base/clock.py for tests."""

    def __init__(self, now: float = START_S, *, frozen: bool = False) -> None:
        self._now = now
        self._monotonic = 1_000.0
        self._frozen = frozen
        self._started = time.monotonic()

    def now(self) -> float:
        return self._now + self._passed()

    def monotonic(self) -> float:
        return self._monotonic + self._passed()

    def cpu(self) -> float:
        """Of work no test is to depend."""
        return 0.0

    def jump(self, seconds: float) -> None:
        """Later by so much, on both hands."""
        if seconds < 0:
            raise ValueError("monotonic time never goes back; use step()")
        self._now += seconds
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """The wall clock alone is put forward, or back: an admin, NTP, a machine that slept. Deadlines do not care."""
        self._now += seconds

    def _passed(self) -> float:
        return 0.0 if self._frozen else time.monotonic() - self._started
