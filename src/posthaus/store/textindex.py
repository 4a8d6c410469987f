"""The index of texts: which messages can hold a needle, and the texts themselves, kept to be compared quickly.

It is made beside the mail, after the 250 (flow/index.py), and can be thrown away and made again at any time.
It answers with candidates: every message that holds the needle is among them or has an id above `upto`, so a search
that looks at the candidates and at what is above is exact. Drivers differ here more than anywhere: SQLite keeps a file
of its own with FTS5's trigrams, PostgreSQL a table with pg_trgm.

Standards: RFC 9051 §6.4.4 (a search is for substrings, not words).
Faults:    StoreDown, StoreFull, StoreBusy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

VERSION = 2  # of the texts; raise it when mail/text.py makes others, and all of the index is made again
NEEDLE_CHARACTERS = 3  # a shorter needle has no trigram


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to be kept. `text` is mail/text.py's whole; None: too long to be kept, always a candidate."""

    message: int
    accounts: tuple[int, ...]  # who holds it, or did
    text: str | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """For each needle the messages that may hold it, of those with an id up to `upto`."""

    upto: int
    messages: dict[str, frozenset[int]]


NOTHING_KNOWN = Candidates(0, {})


class TextIndex(Protocol):
    @property
    def late_s(self) -> float:
        """For so long after an id was seen a message with a lower one may still appear."""
        ...

    async def own(self) -> bool:
        """Is it ours alone to add to, or can it be from now on? One worker of all does; a dead one's right ends."""
        ...

    async def upto(self) -> int:
        """All messages with ids up to here are in, or are gone."""
        ...

    async def add(self, entries: Sequence[Entry], upto: int) -> None: ...

    async def candidates(self, account: int, needles: Sequence[str], borrowed: Sequence[int] = ()) -> Candidates:
        """needles: folded, of NEEDLE_CHARACTERS at least. borrowed: accounts from which this one has messages that may
        have been indexed as theirs alone (store/across.py)."""
        ...

    async def texts(self, messages: Sequence[int]) -> dict[int, str]:
        """Of those that are kept."""
        ...

    async def kept(self, after: int, most: int) -> list[int]:
        """Ids of what is in, rising from after `after`."""
        ...

    async def forget(self, messages: Sequence[int]) -> None: ...

    async def clear(self) -> None:
        """Begin anew."""
        ...

    async def close(self) -> None: ...


class NoIndex:
    """Where there is none: everything is above `upto`, so everything is read."""

    late_s = 0.0

    async def own(self) -> bool:
        return False

    async def upto(self) -> int:
        return 0

    async def add(self, entries: Sequence[Entry], upto: int) -> None:
        raise AssertionError("nobody owns it")

    async def candidates(self, account: int, needles: Sequence[str], borrowed: Sequence[int] = ()) -> Candidates:
        return NOTHING_KNOWN

    async def texts(self, messages: Sequence[int]) -> dict[int, str]:
        return {}

    async def kept(self, after: int, most: int) -> list[int]:
        return []

    async def forget(self, messages: Sequence[int]) -> None:
        pass

    async def clear(self) -> None:
        pass

    async def close(self) -> None:
        pass
