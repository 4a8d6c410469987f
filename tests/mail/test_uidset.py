"""Tests of posthaus.mail.uidset: each operation by tables, and all of them against Python's sets."""

import random

import pytest

from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges

NORMAL: list[tuple[Ranges, Ranges]] = [
    ([], []),
    ([(5, 1)], [(1, 5)]),
    ([(4, 6), (1, 3)], [(1, 6)]),
    ([(1, 2), (4, 5)], [(1, 2), (4, 5)]),
    ([(1, 9), (3, 4), (9, 12)], [(1, 12)]),
]


@pytest.mark.parametrize(("ranges", "wanted"), NORMAL)
def test_normalise(ranges: Ranges, wanted: Ranges) -> None:
    assert uidset.normalise(ranges) == wanted


TEXTS: list[tuple[str, Ranges, str]] = [
    ("1", [(1, 1)], "1"),
    ("5:3,1", [(1, 1), (3, 5)], "1,3:5"),
    ("1,2,3,7", [(1, 3), (7, 7)], "1:3,7"),
]


@pytest.mark.parametrize(("text", "ranges", "rendered"), TEXTS)
def test_parse_and_render(text: str, ranges: Ranges, rendered: str) -> None:
    assert uidset.parse(text) == ranges
    assert uidset.render(ranges) == rendered


@pytest.mark.parametrize("text", ["", "a", "1,", "1:*", "1:2:3"])
def test_no_set(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        uidset.parse(text)


def test_as_sets_do() -> None:
    """Five hundred pairs of random sets, with a known seed."""
    chance = random.Random(1)
    for _ in range(500):
        one = {chance.randrange(1, 40) for _ in range(chance.randrange(25))}
        other = {chance.randrange(1, 40) for _ in range(chance.randrange(25))}
        a, b = uidset.from_sorted(sorted(one)), uidset.from_sorted(sorted(other))
        assert list(uidset.iterate(a)) == sorted(one)
        assert uidset.count(a) == len(one)
        assert uidset.normalise(a) == a
        assert list(uidset.iterate(uidset.intersect(a, b))) == sorted(one & other)
        assert list(uidset.iterate(uidset.subtract(a, b))) == sorted(one - other)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 100])
def test_slices_are_the_same_set(most: int) -> None:
    ranges = [(1, 5), (8, 8), (10, 21)]
    pieces = list(uidset.slices(ranges, most))
    assert all(uidset.count(piece) <= most for piece in pieces)
    assert uidset.normalise([one for piece in pieces for one in piece]) == ranges


@pytest.mark.parametrize(
    ("start", "stop", "text"),
    [(0, 2, "1:2"), (2, 5, "3,7:8"), (4, 4, ""), (5, 99, "9,12"), (7, 9, ""), (0, 99, "1:3,7:9,12")],
)
def test_cut(start: int, stop: int, text: str) -> None:
    assert uidset.render(uidset.cut(uidset.parse("1:3,7:9,12"), start, stop)) == text
