"""Tries that are likely to fail yield to people who wait.

Where hosts that are not known to work fail one after the other, the next thousand will probably do the same, or the
network is broken: then little is tried at a time, and between two times the worker's other work goes first. A failure
counts until a success takes it away, and what has not ended counts as a failure: a thousand hosts that work are met
slowly for a moment, as TCP begins, and then at full speed. Hosts that are known to work are never held up.

Standards: none.
Faults:    none.
"""

from collections.abc import Iterable

from posthaus.base import limit
from posthaus.mail.outcome import Outcome


class Brake:
    """Of one worker, for destinations whose host is not known to work."""

    def __init__(self) -> None:
        self._failing = 0  # loads that failed, less those that did not, lately

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """What came of one load, or of a part of it."""
        outcomes = list(outcomes)
        if any(one.blames_host for one in outcomes):
            self._failing = min(self._failing + 1, limit.QUEUE_UNSURE_LOADS)
        elif any(one.code > 0 for one in outcomes):
            self._failing = max(self._failing - 1, -limit.QUEUE_SUSPECT_LOADS)

    def is_on(self, unsure: int) -> bool:
        """unsure: loads that are on their way."""
        return self._failing + unsure >= limit.QUEUE_UNSURE_LOADS
