"""Sequence sets: tables, resolution against a maximum, faults."""

import pytest

from posthaus.base.limit import IMAP_SET_RANGES
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import SAVED, STAR, SequenceSet, parse_set, parse_uids


@pytest.mark.parametrize(
    ("octets", "ranges"),
    [
        (b"1", ((1, 1),)),
        (b"*", ((STAR, STAR),)),
        (b"2:4", ((2, 4),)),
        (b"4:2", ((4, 2),)),
        (b"2,4:7,9,12:*", ((2, 2), (4, 7), (9, 9), (12, STAR))),  # RFC 9051 §9, its example
        (b"*:4,5:7", ((STAR, 4), (5, 7))),
        (b"4294967295", ((4294967295, 4294967295),)),
    ],
)
def test_parse(octets: bytes, ranges: tuple[tuple[int, int], ...]) -> None:
    assert parse_set(octets) == SequenceSet(ranges)


def test_saved() -> None:
    assert parse_set(b"$") is SAVED


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"01",
        b"1,",
        b",1",
        b"1:",
        b":1",
        b"1:2:3",
        b"1,,2",
        b"-1",
        b"1,$",
        b"$,1",
        b"**",
        b"4294967296",
        b"1 2",
        b"99999999999",
        b"1:4294967296",
        b"a",
        b"1;2",
        b"\xb2",
    ],
)
def test_fault(octets: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_set(octets)


@pytest.mark.parametrize("octets", [b"*", b"1:*", b"$"])
def test_only_numbers(octets: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_uids(octets)


def test_too_many_ranges() -> None:
    assert len(parse_set(b",".join([b"1"] * IMAP_SET_RANGES)).ranges) == IMAP_SET_RANGES
    with pytest.raises(ParseFault) as caught:
        parse_set(b",".join([b"1"] * (IMAP_SET_RANGES + 1)))
    assert caught.value.code == b"LIMIT"


@pytest.mark.parametrize(
    ("octets", "maximum", "ranges"),
    [
        (b"2,4:7,9,12:*", 15, [(2, 2), (4, 7), (9, 9), (12, 15)]),  # RFC 9051 §9
        (b"*:4,5:7", 10, [(4, 10)]),  # RFC 9051 §9: 4 to 10, once each
        (b"5:3,1,2", 9, [(1, 5)]),
        (b"559:*", 12, [(12, 559)]),  # RFC 3501 §6.4.8: the last message is always in it
        (b"1:10,3:4", 20, [(1, 10)]),
        (b"*", 0, []),
        (b"1:*", 0, []),
        (b"3", 0, [(3, 3)]),
    ],
)
def test_resolve(octets: bytes, maximum: int, ranges: list[tuple[int, int]]) -> None:
    assert parse_set(octets).resolve(maximum) == ranges


def test_numbers_are_cut_at_the_maximum() -> None:
    assert list(parse_set(b"7:9,2,8:4294967295").numbers(10)) == [2, 7, 8, 9, 10]
    assert list(parse_set(b"20:30").numbers(10)) == []
    assert list(parse_set(b"1:*").numbers(0)) == []
