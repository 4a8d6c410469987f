"""Chance with a seed: ids, tokens and salts that are the same in every run.

Never for a server that strangers can reach: whoever knows the seed knows every token.

Standards: none.
Faults:    none.
"""

import random

from posthaus.base.chance import letters


class SeededChance:
    """Chance of base/chance.py for tests."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def octets(self, n: int) -> bytes:
        return self._random.randbytes(n)

    def name(self, n: int) -> str:
        return letters(self._random.randbytes(n))
