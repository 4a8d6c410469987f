"""One timer wheel per worker: ten thousand deadlines that mostly never pass, for the price of a list entry each.

Deadlines are kept per second. tick() is called about once a second by whoever owns the wheel and runs what is due, so a
deadline is never early and at most one tick late. A cancelled handle lets go of its callback at once.

Faults: a callback that raises stops nothing; the exception goes to `on_defect`.
"""

import math
from collections.abc import Callable

from posthaus.base.clock import Clock


class Handle:
    """One deadline; cancel() it when it is no longer wanted."""

    __slots__ = ("callback", "due_s")

    def __init__(self, due_s: float, callback: Callable[[], None]) -> None:
        self.due_s = due_s
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


def _raise(exc: Exception) -> None:
    raise exc


class Wheel:
    """Deadlines in seconds of the monotonic clock."""

    def __init__(self, clock: Clock, on_defect: Callable[[Exception], None] = _raise) -> None:
        self.monotonic = clock.monotonic
        self._on_defect = on_defect
        self._slots: dict[int, list[Handle]] = {}

    def after(self, seconds: float, callback: Callable[[], None]) -> Handle:
        handle = Handle(self.monotonic() + seconds, callback)
        slot = self._slots.get(second := math.ceil(handle.due_s))
        if slot is None:
            self._slots[second] = [handle]
        else:
            slot.append(handle)
        return handle

    def tick(self) -> None:
        """Runs what is due. Cheap: there is one slot per second in which anything is due."""
        now = self.monotonic()
        for second in sorted(s for s in self._slots if s <= now):
            for handle in self._slots.pop(second):
                callback, handle.callback = handle.callback, None
                if callback is not None:
                    self._run(callback)

    def _run(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as exc:  # one session's defect must not eat the deadlines of the others
            self._on_defect(exc)

    def __len__(self) -> int:
        """Deadlines that stand, cancelled ones not counted."""
        return sum(handle.callback is not None for slot in self._slots.values() for handle in slot)
