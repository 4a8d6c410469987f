"""SEARCH keys: how they are put together."""

from posthaus.proto.imap.key import All, And, Body, Flagged, Not, Or, either, every, negate

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


def test_keys_are_values() -> None:
    assert len({All(), All(), Flagged(b"\\Seen"), Flagged(b"\\Seen")}) == 2
