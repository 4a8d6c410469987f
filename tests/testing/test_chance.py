"""Tests of posthaus.testing.chance: the same seed, the same chance."""

from posthaus.testing.chance import SeededChance


def test_same_seed_same_octets() -> None:
    assert SeededChance(7).octets(16) == SeededChance(7).octets(16)
    assert SeededChance(7).octets(16) != SeededChance(8).octets(16)


def test_names_are_letters_of_base_32() -> None:
    name = SeededChance().name(12)
    assert len(name) == 12
    assert set(name) <= set("0123456789abcdefghjkmnpqrstvwxyz")
