"""Sequence sets: message numbers and UIDs as ranges.

A set is kept as the client wrote it; `resolve` gives rising ranges that do not touch, once the highest number is known.
The count of ranges is bounded, so a set never costs more than its line.

Standards: RFC 9051 §9 (sequence-set), RFC 9051 §6.4.4.1 ("$"), RFC 3501 §9.
Faults:    ParseFault.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from posthaus.base.limit import IMAP_SET_RANGES
from posthaus.proto.imap.fault import ParseFault

STAR = 0  # "*" in a range: the highest number there is. No message has the number 0.
MAX_NUMBER = 4_294_967_295

_SET = re.compile(rb"(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?(?:,(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?)*+")


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """sequence-set as written: pairs in any order, STAR for "*". `saved` is "$" and then there are no ranges."""

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def resolve(self, maximum: int) -> list[tuple[int, int]]:
        """Rising ranges that neither overlap nor touch; "*" is `maximum`, and nothing where that is 0.

        Not cut at maximum: whether a number beyond it is an error or silently nothing depends on the command.
        """
        pairs = []
        for low, high in self.ranges:
            low, high = low or maximum, high or maximum
            if low and high:
                pairs.append((low, high) if low <= high else (high, low))
        return _merge(pairs) if len(pairs) > 1 else pairs

    def numbers(self, maximum: int) -> Iterator[int]:
        """Each number once, rising, none above maximum."""
        return chain.from_iterable(
            range(low, min(high, maximum) + 1) for low, high in self.resolve(maximum) if low <= maximum
        )


SAVED = SequenceSet((), saved=True)


def parse_set(octets: bytes) -> SequenceSet:
    """sequence-set = (seq-number / seq-range) ["," sequence-set] / "$" """
    if octets == b"$":
        return SAVED
    m = _SET.fullmatch(octets)
    if m is None:
        raise ParseFault("not a sequence set")
    if octets.count(b",") >= IMAP_SET_RANGES:
        raise ParseFault("too many ranges in one set", code=b"LIMIT")
    return SequenceSet(tuple([_parse_range(item) for item in octets.split(b",")]))


def parse_uids(octets: bytes) -> SequenceSet:
    """uid-set, known-uids: a sequence set without "*" and "$"."""
    if b"*" in octets or b"$" in octets:
        raise ParseFault("only numbers may stand here")
    return parse_set(octets)


def _parse_range(item: bytes) -> tuple[int, int]:
    low, colon, high = item.partition(b":")
    first = STAR if low == b"*" else int(low)
    last = first if not colon else STAR if high == b"*" else int(high)
    if first > MAX_NUMBER or last > MAX_NUMBER:
        raise ParseFault("a number has 32 bits")
    return first, last


def _merge(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    pairs.sort()
    merged = [pairs[0]]
    for low, high in pairs[1:]:
        last_low, last_high = merged[-1]
        if low > last_high + 1:
            merged.append((low, high))
        elif high > last_high:
            merged[-1] = (last_low, high)
    return merged
