"""Words that a person takes for the same: "invoices" and "invoice", "replied" and "reply".

The stem is a light one and English: it takes off endings that are only grammar, and no more. A word of any other
script, or with a digit, stands for itself, also inside of longer words. Each word begins with the root of its stem, so
an index of substrings names all messages in which it can be.

Standards: RFC 6203 §3 (what is fuzzy is the server's to say).
Faults:    none.
"""

import re
from functools import lru_cache

from posthaus.base.limit import FUZZY_WORDS

_WORD = re.compile(r"\w[\w\u0300-\u036f\u3099\u309a]*")  # marks are letters' own, which mail/casemap.py takes apart
_PLAIN = re.compile(r"[A-Z]+").fullmatch
_VOWEL = re.compile(r"[AEIOUY]").search
_SHORT = 3  # characters; such a word has no ending


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """Of a folded word: capitals."""
    if len(word) <= _SHORT or _PLAIN(word) is None:
        return word
    word = _singular(word)
    for ending, least in (("ING", _SHORT), ("ED", _SHORT), ("LY", _SHORT + 1)):  # "reply" is no "rep"
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= least and _VOWEL(rest):
            doubled = rest[-1] == rest[-2] and rest[-1] not in "LSZ"
            word = rest[:-1] if doubled else rest
            break
    if len(word) > _SHORT and word[-1] == "E":
        word = word[:-1]
    if len(word) > _SHORT and word[-1] == "Y" and word[-2] not in "AEIOU":
        word = word[:-1] + "I"
    return word


def _singular(word: str) -> str:
    if word.endswith("IES") and len(word) > 4:  # "dies" is no "di"
        return word[:-2]
    if word.endswith("SSES"):
        return word[:-2]
    return word[:-1] if word[-1] == "S" and word[-2] not in "SUI" else word


def root(stemmed: str) -> str:
    """What every word with this stem begins with."""
    return stemmed[:-1] if len(stemmed) > _SHORT and stemmed[-1] == "I" else stemmed


class Query:
    """Words that are looked for; all of them must be there, in any order."""

    __slots__ = ("_terms", "roots")

    def __init__(self, text: str) -> None:
        """text: folded."""
        stems = tuple(dict.fromkeys(stem(word) for word in _WORD.findall(text)))[:FUZZY_WORDS]
        self.roots = [root(one) for one in stems]
        self._terms = [(one, _pattern(one)) for one in stems]

    def __bool__(self) -> bool:
        return bool(self._terms)

    def matches(self, text: str) -> bool:
        return all(any(_is(one, m[0]) for m in pattern.finditer(text)) for one, pattern in self._terms)

    def counts(self, text: str) -> list[int]:
        """How often each of the words is there."""
        return [sum(_is(one, m[0]) for m in pattern.finditer(text)) for one, pattern in self._terms]


def _pattern(one: str) -> "re.Pattern[str]":
    return re.compile(rf"\b{root(one)}\w*" if _PLAIN(one) else re.escape(one))


def _is(one: str, word: str) -> bool:
    return stem(word) == one or _PLAIN(one) is None
