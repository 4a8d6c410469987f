"""Message numbers and UIDs of a mailbox as one client knows it.

Kept as runs of neighbouring UIDs, two 32-bit numbers each: a mailbox of a million messages in which nothing was ever
expunged is one run, so a view costs what its gaps cost, and opening it costs no more. A look-up is a bisection.

Standards: RFC 9051 §2.3.1.
Faults:    none; what is not there is left out or 0.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from posthaus.mail.uidset import Range, Ranges

Piece = tuple[int, int, int]  # number of the first, its UID, UID of the last


class UidMap:
    """Numbers start at 1 and have no gaps; UIDs rise with them."""

    __slots__ = ("_numbers", "_total", "_uids")

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._uids = array("I")  # first UID of each run
        self._numbers = array("I")  # its message number
        self._total = 0
        for first, last in ranges:
            self._uids.append(first)
            self._numbers.append(self._total + 1)
            self._total += last - first + 1

    def __len__(self) -> int:
        return self._total

    @property
    def last_uid(self) -> int:
        """The highest UID, 0 where there is none."""
        return self.uid(self._total) if self._total else 0

    def uid(self, number: int) -> int:
        """The UID of a message number that exists."""
        i = bisect_right(self._numbers, number) - 1
        return self._uids[i] + number - self._numbers[i]

    def number(self, uid: int) -> int:
        """The message number of a UID, 0 where it is not there."""
        i = bisect_right(self._uids, uid) - 1
        if i < 0 or uid > self._last(i):
            return 0
        return self._numbers[i] + uid - self._uids[i]

    def _last(self, i: int) -> int:
        """The last UID of a run."""
        end = self._numbers[i + 1] if i + 1 < len(self._numbers) else self._total + 1
        return self._uids[i] + end - self._numbers[i] - 1

    def ranges(self) -> Ranges:
        """All UIDs."""
        return [(self._uids[i], self._last(i)) for i in range(len(self._uids))]

    def pieces(self, uids: Iterable[Range]) -> Iterator[Piece]:
        """What is there of a set of UIDs (rising ranges), run by run."""
        for first, last in uids:
            i = max(bisect_right(self._uids, first) - 1, 0)
            while i < len(self._uids) and self._uids[i] <= last:
                low, high = max(first, self._uids[i]), min(last, self._last(i))
                if low <= high:
                    yield self._numbers[i] + low - self._uids[i], low, high
                i += 1

    def uids_of(self, numbers: Iterable[Range]) -> Ranges:
        """UIDs of message numbers (rising ranges, cut at the number of messages)."""
        found: Ranges = []
        for first, last in numbers:
            last = min(last, self._total)
            i = bisect_right(self._numbers, first) - 1
            while first <= last:
                end = self._numbers[i + 1] - 1 if i + 1 < len(self._numbers) else self._total
                high = min(last, end)
                start = self._uids[i] + first - self._numbers[i]
                found.append((start, start + high - first))
                first = high + 1
                i += 1
        return found

    def numbers_of(self, uids: Sequence[int]) -> Sequence[int]:
        """Message numbers of rising UIDs; those that are not there are left out."""
        if isinstance(uids, range) and uids:
            pieces = list(self.pieces([(uids[0], uids[-1])]))
            if len(pieces) == 1:
                number, low, high = pieces[0]
                return range(number, number + high - low + 1)
        numbers: list[int] = []
        at = 0
        while at < len(uids):
            i = bisect_right(self._uids, uids[at]) - 1
            if i < 0:
                at = bisect_left(uids, self._uids[0], at) if len(self._uids) else len(uids)
                continue
            last, shift = self._last(i), self._numbers[i] - self._uids[i]
            end = bisect_right(uids, last, at)
            numbers += [u + shift for u in uids[at:end]]
            if end == at:  # in the gap behind this run
                end = bisect_left(uids, self._uids[i + 1], at) if i + 1 < len(self._uids) else len(uids)
            at = end
        return numbers

    def numbers_in_order(self, uids: Sequence[int]) -> Sequence[int]:
        """Message numbers of UIDs in any order, all of which are there."""
        if len(self._uids) == 1:
            less = self._uids[0] - 1
            return [uid - less for uid in uids] if less else uids
        starts = list(self._uids)
        shifts = [number - uid for uid, number in zip(self._uids, self._numbers, strict=True)]
        return [uid + shifts[bisect_right(starts, uid) - 1] for uid in uids]

    def count_from(self, uid: int) -> int:
        """How many UIDs are not below this one."""
        i = bisect_right(self._uids, uid) - 1
        if i < 0:
            return self._total
        return self._total - (self._numbers[i] - 1) - min(uid - self._uids[i], self._last(i) - self._uids[i] + 1)

    def add(self, first: int, last: int) -> None:
        """New UIDs, above all that are there."""
        if not self._total or first != self.last_uid + 1:
            self._uids.append(first)
            self._numbers.append(self._total + 1)
        self._total += last - first + 1

    def remove(self, uids: Iterable[Range]) -> list[Range]:
        """Takes UIDs away; gives their message numbers, rising, as they were before."""
        gone = [(number, number + high - low) for number, low, high in self.pieces(uids)]
        if not gone:
            return gone
        keep: list[Range] = []
        at = 1
        for first, last in gone:
            if at < first:
                keep.append((at, first - 1))
            at = last + 1
        if at <= self._total:
            keep.append((at, self._total))
        left = self.uids_of(keep)
        self._uids, self._numbers, self._total = array("I"), array("I"), 0
        for first, last in left:
            if self._total and first == self.last_uid + 1:
                self._total += last - first + 1
            else:
                self._uids.append(first)
                self._numbers.append(self._total + 1)
                self._total += last - first + 1
        return gone
