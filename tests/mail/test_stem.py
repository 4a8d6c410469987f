"""Stems: what is the same word, what is not, and that an index of substrings finds it."""

import pytest

from posthaus.mail.casemap import casemap
from posthaus.mail.stem import Query, root, stem

FAMILIES = [
    "invoice invoices invoiced invoicing",
    "party parties",
    "reply replies replied replying",
    "run running runs",
    "meet meeting meetings meets",
    "address addresses addressed addressing",
    "quick quickly",
    "class classes",
    "stop stopped stopping stops",
    "call called calling calls",
]


@pytest.mark.parametrize("family", FAMILIES)
def test_family(family: str) -> None:
    assert len({stem(word) for word in family.upper().split()}) == 1


@pytest.mark.parametrize("words", ["bus bug", "part party", "voice invoice", "die did", "ring run", "status state"])
def test_strangers(words: str) -> None:
    one, other = words.upper().split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize("word", ["STRAßE", "МАТЬ", "日本", "A1", "2026", "AS", "ING"])
def test_stands_for_itself(word: str) -> None:
    assert stem(word) == word


def test_each_word_begins_with_its_root() -> None:
    words = " ".join([*FAMILIES, "taxi ski using dies ies yes eyed agreed ssss iii"]).upper().split()
    assert not [word for word in words if not word.startswith(root(stem(word)))]


@pytest.mark.parametrize(
    ("asked", "text", "matches"),
    [
        ("invoices", "your invoice is here", True),
        ("voice", "your invoice is here", False),  # words, not parts of them
        ("meeting plan", "plans for all meetings", True),
        ("meeting plan", "plans for nothing", False),
        ("日本", "東日本大", True),
        ("a.b@c.example", "mail of a.b@c.example", True),
        ("party", "parts", False),
        ("größe", "die Größe", True),
        ("größe", "das Gros", False),
    ],
)
def test_query(asked: str, text: str, matches: bool) -> None:
    assert Query(casemap(asked)).matches(casemap(text)) is matches


def test_counts_and_nothing() -> None:
    assert Query("RUN DAY").counts("RUNNING RUNS THE DAY; RUNG, DAYS") == [2, 2]
    assert not Query("?! -")
