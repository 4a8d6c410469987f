"""Patterns of a script: one expected line with its holes.

A pattern is text in which `$*` stands for anything, `${name}` for a word that is bound at its first sight and must be
the same from then on, `${name:regex}` for what the expression matches, and `${:regex}` for the same without a name.
Everything else is compared as it stands. Octets that are no UTF-8 are kept as surrogates, so they can be told apart.

Standards: none; the grammar is ours (docs/scripts.md).
Faults:    PatternFault (ValueError) when a hole is not closed or its expression is none; Unbound when a line to be
           sent names what nothing has bound.
"""

import re
from collections.abc import Mapping

_HOLE = re.compile(r"\$\*|\$\{(?P<name>[a-z][a-z0-9_]*)?(?::(?P<regex>(?:[^{}\\]|\\.|\{[0-9,]*\})*))?\}")
_WORD = r'[^\s()"<>\[\]]+'  # what `${name}` alone stands for: an atom, a number, an id


class PatternFault(ValueError):
    """The pattern itself cannot be read."""


class Unbound(LookupError):
    """A line to be sent names a word that has not been seen yet."""


def as_text(octets: bytes) -> str:
    """Octets of the wire as text, without loss."""
    return octets.decode("utf-8", "surrogateescape")


def as_octets(text: str) -> bytes:
    """The way back of as_text()."""
    return text.encode("utf-8", "surrogateescape")


def match(pattern: str, line: str, bound: Mapping[str, str]) -> dict[str, str] | None:
    """What the line binds anew, or None where it is another line."""
    expression, names = compile_pattern(pattern, bound)
    found = expression.fullmatch(line)
    if found is None:
        return None
    return {name: found.group(name) for name in names}


def compile_pattern(pattern: str, bound: Mapping[str, str]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """The pattern as a regular expression, and the names that it binds."""
    parts: list[str] = []
    names: list[str] = []
    end = 0
    for hole in _HOLE.finditer(pattern):
        parts.append(_plain(pattern[end : hole.start()]))
        parts.append(_hole(hole, bound, names))
        end = hole.end()
    parts.append(_plain(pattern[end:]))
    try:
        return re.compile("".join(parts), re.DOTALL), tuple(names)
    except re.error as fault:
        raise PatternFault(f"{pattern!r}: {fault}") from fault


def _plain(text: str) -> str:
    if "${" in text:
        raise PatternFault(f"a hole is not closed or has no lower-case name: {text!r}")
    return re.escape(text)


def _hole(hole: re.Match[str], bound: Mapping[str, str], names: list[str]) -> str:
    if hole.group() == "$*":
        return ".*"
    name, regex = hole.group("name"), hole.group("regex")
    if name is None:
        return f"(?:{regex or _WORD})"
    if name in bound:
        return re.escape(bound[name])
    if name in names:
        return f"(?P={name})"
    names.append(name)
    return f"(?P<{name}>{regex or _WORD})"


def fill(text: str, bound: Mapping[str, str]) -> str:
    """The text to be sent, with its `${name}` filled in."""

    def word(hole: re.Match[str]) -> str:
        name = hole.group("name")
        if name is None or hole.group("regex") is not None:
            return hole.group()
        if name not in bound:
            raise Unbound(name)
        return bound[name]

    return _HOLE.sub(word, text)


def names_of(text: str) -> frozenset[str]:
    """The names that a text mentions."""
    return frozenset(hole.group("name") for hole in _HOLE.finditer(text) if hole.group("name"))
