"""Macros of SPF: strings with %{letters} that are filled in with what is known of the client.

Standards: RFC 7208 §7 and §12.
Faults:    MacroFault, a syntax error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_DOMAIN_LETTERS, _TEXT_LETTERS = "slodiphv", "slodiphvcrt"  # RFC 7208 §7.2: c, r and t in explanations only
_PIECE = re.compile(
    r"%\{(?P<letter>[A-Za-z])(?P<digits>[0-9]*)(?P<reverse>[rR]?)(?P<delimiters>[.\-+,/_=]*)\}"
    r"|(?P<escape>%[%_-])|(?P<literal>[\x21-\x24\x26-\x7e]+)|(?P<space>\x20+)"
)
_ESCAPES = {"%%": "%", "%_": " ", "%-": "%20"}
_TOPLABEL = re.compile(r"[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9]")
_MOST_PARTS = 128


class MacroFault(ValueError):
    """Not a macro-string, or not one that may stand here."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One %{...}."""

    letter: str  # lower case
    parts: int  # 0: all
    is_reversed: bool
    delimiters: str
    is_escaped: bool  # the letter was in upper case


Pieces = tuple[Macro | str, ...]


def parse_macros(text: str, *, is_text: bool = False) -> Pieces:
    """macro-string = *( macro-expand / macro-literal ); explain-string has spaces as well"""
    pieces: list[Macro | str] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None or (found["space"] and not is_text):
            raise MacroFault(f"not a macro at {text[at : at + 10]!r}")
        at = found.end()
        pieces.append(_macro(found, is_text) if found["letter"] else _ESCAPES.get(found[0], found[0]))
    return tuple(pieces)


def _macro(found: re.Match[str], is_text: bool) -> Macro:
    letter = found["letter"].lower()
    if letter not in (_TEXT_LETTERS if is_text else _DOMAIN_LETTERS):
        raise MacroFault(f"no macro {letter}")
    digits = found["digits"]
    if digits and int(digits[:9]) == 0:
        raise MacroFault("no parts")  # RFC 7208 §7.3: zero is a syntax error
    parts = min(int(digits[:9]), _MOST_PARTS) if digits else 0
    return Macro(letter, parts, bool(found["reverse"]), found["delimiters"] or ".", found["letter"].isupper())


def parse_domain_spec(text: str) -> Pieces:
    """domain-spec = macro-string domain-end"""
    pieces = parse_macros(text)
    if not pieces:
        raise MacroFault("no domain")
    if not _ends_in_macro(text):
        _, dot, top = text.removesuffix(".").rpartition(".")
        if not dot or _TOPLABEL.fullmatch(top) is None:
            raise MacroFault("not a domain")
    return pieces


def _ends_in_macro(text: str) -> bool:
    *_, last = _PIECE.finditer(text)
    return not last["literal"]


def expand(pieces: Pieces, values: Mapping[str, str]) -> str:
    return "".join(piece if isinstance(piece, str) else _expand(piece, values[piece.letter]) for piece in pieces)


def letters_of(pieces: Pieces) -> set[str]:
    return {piece.letter for piece in pieces if isinstance(piece, Macro)}


def _expand(macro: Macro, value: str) -> str:
    parts = re.split(f"[{re.escape(macro.delimiters)}]", value)
    if macro.is_reversed:
        parts.reverse()
    if macro.parts:
        parts = parts[-macro.parts :]
    text = ".".join(parts)
    return quote(text, safe="-._~") if macro.is_escaped else text
