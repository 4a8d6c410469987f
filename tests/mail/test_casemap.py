"""i;unicode-casemap: the whole of Unicode, and what people take for the same or not."""

import sys
from unicodedata import normalize

import pytest

from posthaus.mail.casemap import casemap


def test_the_whole_of_unicode_is_as_the_rfc_says() -> None:
    """RFC 5051 §2, step by step: the title-case character of each, and that decomposed."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        title = character.title()
        expected = normalize("NFKD", title if len(title) == 1 else character)
        assert casemap(character) == expected, hex(code)
        assert casemap(f"\x80{character}x") == f"\x80{expected}X", hex(code)


def test_the_example_of_the_rfc() -> None:
    assert casemap("\u01c4") == "\u0044\u007a\u030c"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GRÜSSE", "grüsse"),
        ("Ａ１", "a1"),
        ("a\u00a0b", "A b"),
        ("É", "e\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("Ё", "ё"),
        ("σ", "ς"),
        ("ı", "i"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert casemap(one) == casemap(other)


@pytest.mark.parametrize(("one", "other"), [("ß", "ss"), ("ﬁ", "fi"), ("ü", "u")])
def test_not_the_same(one: str, other: str) -> None:
    assert casemap(one) != casemap(other)


def test_a_letter_is_found_in_the_same_with_a_mark() -> None:
    assert casemap("mu") in casemap("Müller")
    assert casemap("mull") not in casemap("Müller")


def test_letters_come_before_the_signs_between_capitals_and_small_ones() -> None:
    assert sorted(["[a", "_", "b", "A"], key=casemap) == ["A", "b", "[a", "_"]
