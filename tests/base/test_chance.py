"""Tests of posthaus.base.chance: lengths, letters, and that no two are the same."""

from posthaus.base.chance import SystemChance, letters, number


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


def test_numbers_of_one_length_are_in_their_order() -> None:
    assert [number(value, 2) for value in (0, 31, 32, 1_023, 1_024)] == ["00", "0z", "10", "zz", "00"]
    told = [number(value, 3) for value in range(0, 32_768, 7)]
    assert told == sorted(told)
