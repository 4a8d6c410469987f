"""Ids and tokens: the only source of chance.

Whoever needs chance is handed a Chance, so a test can hand in one with a known seed.
"""

import secrets
from typing import Protocol

_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LETTERS = _ALPHABET * 8  # the letter of each octet


class Chance(Protocol):
    def octets(self, n: int) -> bytes:
        """n octets that nobody can guess."""
        ...

    def name(self, n: int) -> str:
        """n letters of base 32 for ids that people read (cid, tid): 5 bits each."""
        ...


class SystemChance:
    """The operating system's generator."""

    def octets(self, n: int) -> bytes:
        return secrets.token_bytes(n)

    def name(self, n: int) -> str:
        return letters(secrets.token_bytes(n))


def number(value: int, n: int) -> str:
    """The last n digits of a number in these letters; of equal length they are in its order."""
    return letters(bytes([value >> 5 * (n - at) & 31 for at in range(1, n + 1)]))


def letters(octets: bytes) -> str:
    """One letter for each octet; the upper three bits are not used."""
    return octets.translate(_LETTERS).decode("ascii")
