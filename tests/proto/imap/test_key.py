"""SEARCH keys: how they are put together."""

from posthaus.proto.imap.key import (
    All,
    And,
    Body,
    Flagged,
    Fuzzy,
    Not,
    Numbers,
    Or,
    count_fuzzy,
    either,
    every,
    has_numbers,
    leaves,
    negate,
)  # fmt: skip
from posthaus.proto.imap.number import SAVED, parse_set

_A, _B, _C = Body("a"), Body("b"), Body("c")


def test_negate() -> None:
    assert negate(_A) == Not(_A)
    assert negate(Not(_A)) == _A


def test_either_is_flat() -> None:
    assert either(_A, _B) == Or((_A, _B))
    assert either(Or((_A, _B)), _C) == either(_A, Or((_B, _C))) == Or((_A, _B, _C))
    assert either(Not(Or((_A, _B))), _C) == Or((Not(Or((_A, _B))), _C))


def test_every() -> None:
    assert every([_A]) == _A
    assert every([_A, Or((_B, _C))]) == And((_A, Or((_B, _C))))


def test_leaves() -> None:
    assert list(leaves(_A)) == [_A]
    assert list(leaves(And((_A, Not(Or((_B, Not(_C)))), All())))) == [All(), _C, _B, _A]
    assert list(leaves(Fuzzy(_A))) == [Fuzzy(_A)]


def test_what_a_tree_has() -> None:
    assert count_fuzzy(And((Fuzzy(_A), Not(Or((Fuzzy(_B), _C)))))) == 2
    assert count_fuzzy(_A) == 0
    assert has_numbers(Or((_A, Not(Numbers(parse_set(b"1:4"))))))
    assert not has_numbers(And((_A, Numbers(SAVED))))


def test_keys_are_values() -> None:
    assert len({All(), All(), Flagged(b"\\Seen"), Flagged(b"\\Seen")}) == 2
