"""Sets of UIDs as sorted ranges, and their text "1:5,7".

A Ranges is a list of (first, last), ascending, neither touching nor overlapping, both ends included.

Standards: RFC 9051 §9 (sequence-set, without "*").
Faults:    ValueError for text that is no such set.
"""

from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]
Ranges = list[Range]


def from_sorted(uids: Iterable[int]) -> Ranges:
    """Ascending UIDs, without repeats, to ranges."""
    if isinstance(uids, range) and uids.step == 1:
        return [(uids[0], uids[-1])] if uids else []
    if isinstance(uids, list) and uids and uids[-1] - uids[0] == len(uids) - 1:  # none is missing
        return [(uids[0], uids[-1])]
    ranges: Ranges = []
    first = last = -2
    for uid in uids:
        if uid == last + 1:
            last = uid
        else:
            if last >= 0:
                ranges.append((first, last))
            first = last = uid
    if last >= 0:
        ranges.append((first, last))
    return ranges


def normalise(ranges: Iterable[Range]) -> Ranges:
    """Any ranges, each either way round, to sorted ones that do not touch."""
    result: Ranges = []
    for a, b in sorted((a, b) if a <= b else (b, a) for a, b in ranges):
        if result and a <= result[-1][1] + 1:
            if b > result[-1][1]:
                result[-1] = (result[-1][0], b)
        else:
            result.append((a, b))
    return result


def render(ranges: Iterable[Range]) -> str:
    return ",".join([str(a) if a == b else f"{a}:{b}" for a, b in ranges])


def parse(text: str) -> Ranges:
    ranges = []
    for piece in text.split(","):
        a, _, b = piece.partition(":")
        ranges.append((int(a), int(b or a)))
    return normalise(ranges)


def count(ranges: Iterable[Range]) -> int:
    return sum(b - a + 1 for a, b in ranges)


def iterate(ranges: Iterable[Range]) -> Iterator[int]:
    for a, b in ranges:
        yield from range(a, b + 1)


def intersect(one: Sequence[Range], other: Sequence[Range]) -> Ranges:
    result: Ranges = []
    i = j = 0
    while i < len(one) and j < len(other):
        a, b = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if a <= b:
            result.append((a, b))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return result


def subtract(one: Sequence[Range], other: Sequence[Range]) -> Ranges:
    """What is in one and not in other."""
    result: Ranges = []
    j = 0
    for first, last in one:
        at = first
        while j < len(other) and other[j][1] < at:
            j += 1
        k = j
        while k < len(other) and other[k][0] <= last:
            if other[k][0] > at:
                result.append((at, other[k][0] - 1))
            at = max(at, other[k][1] + 1)
            k += 1
        if at <= last:
            result.append((at, last))
    return result


def cut(ranges: Iterable[Range], start: int, stop: int) -> Ranges:
    """The UIDs of the set from the start-th to before the stop-th, the first being 0."""
    result: Ranges = []
    at = 0  # how many are before this range
    for a, b in ranges:
        low, high = max(a, a + start - at), min(b, a + stop - at - 1)
        if low <= high:
            result.append((low, high))
        at += b - a + 1
    return result


def slices(ranges: Iterable[Range], most: int) -> Iterator[Ranges]:
    """The same set in pieces of at most `most` UIDs and 500 ranges."""
    piece: Ranges = []
    room = most
    for a, b in ranges:
        while a <= b:
            end = min(b, a + room - 1)
            piece.append((a, end))
            room -= end - a + 1
            a = end + 1
            if not room or len(piece) >= 500:
                yield piece
                piece, room = [], most
    if piece:
        yield piece
