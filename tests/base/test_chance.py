"""Tests of posthaus.base.chance: lengths, letters, and that no two are the same."""

from posthaus.base.chance import SystemChance, letters


def test_octets_and_names_have_their_length() -> None:
    chance = SystemChance()
    assert [len(chance.octets(n)) for n in (0, 1, 32)] == [0, 1, 32]
    assert [len(chance.name(n)) for n in (0, 1, 12)] == [0, 1, 12]


def test_no_two_are_the_same() -> None:
    chance = SystemChance()
    assert len({chance.octets(16) for _ in range(100)}) == 100


def test_letters_use_five_bits_of_each_octet() -> None:
    assert letters(bytes(range(32))) == "0123456789abcdefghjkmnpqrstvwxyz"
    assert letters(bytes([0, 32, 64, 255])) == "000z"
