"""Patterns against a naive matcher."""

import random
import time
from functools import cache

import pytest

from posthaus.serve.imap.pattern import compile_pattern


def naive(pattern: str, name: str) -> bool:
    @cache
    def walk(p: int, n: int) -> bool:
        if p == len(pattern):
            return n == len(name)
        if pattern[p] in "*%":
            if walk(p + 1, n):
                return True
            return n < len(name) and (pattern[p] == "*" or name[n] != "/") and walk(p, n + 1)
        return n < len(name) and pattern[p] == name[n] and walk(p + 1, n + 1)

    return walk(0, 0)


@pytest.mark.parametrize("seed", range(10))
def test_against_the_naive_matcher(seed: int) -> None:
    rnd = random.Random(seed)
    for _ in range(400):
        pattern = "".join(rnd.choices("ab/*%", k=rnd.randrange(8)))
        matches = compile_pattern(pattern)
        for _ in range(20):
            name = "".join(rnd.choices("ab/", weights=[3, 3, 1], k=rnd.randrange(9)))
            assert matches(name) == naive(pattern, name), (pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("inbox", "INBOX", True),
        ("InB%", "INBOX", True),
        ("*box", "INBOX", True),
        ("inbox/a", "INBOX/a", True),
        ("inbox/A", "INBOX/a", False),
        ("inbox/%", "INBOX/a", True),
        ("in*a", "INBOX/a", True),
        ("Work", "work", False),
        ("%", "a/b", False),
        ("*", "a/b", True),
        ("%/%", "a/b", True),
        ("%/%", "a/b/c", False),
        ("", "INBOX", False),
        ("a%%**b", "a/x/b", True),
    ],
)
def test_table(pattern: str, name: str, expected: bool) -> None:
    assert compile_pattern(pattern)(name) is expected


def test_no_pattern_is_slow() -> None:
    matches = compile_pattern("*a%" * 300 + "b")
    begun = time.perf_counter()
    assert not matches("a" * 1_000)
    assert time.perf_counter() - begun < 1.0
