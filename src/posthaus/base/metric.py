"""Counters of one worker, by name.

A name is written like an event of the log ("smtp.accepted"). Counting costs one dictionary entry and never fails.
"""


class Metric:
    """What was counted since the worker started."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + n

    def value(self, name: str) -> int:
        return self._counts.get(name, 0)

    def snapshot(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))
