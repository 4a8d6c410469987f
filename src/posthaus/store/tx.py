"""The seam between the store's logic and its drivers.

Logic is plain functions `async def fn(tx, ...)` that await nothing but tx. Under SQLite tx never suspends, so the
driver runs a whole function in one step; under PostgreSQL the awaits are real. SQL is one text for both: $1
placeholders, BIGINT, no LIKE. Rows are tuples.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


def number(row: Row | None) -> int:
    """The first column of a row that must be there, where it is a number: an id, a count."""
    assert row is not None
    found: int = row[0]
    return found


class Tx(Protocol):
    """One transaction. A read-only one comes from Store.read, one that may write from Store.write."""

    @property
    def low_space(self) -> bool:
        """The reserve of disk space is reached: nothing may be added, only removed."""
        ...

    async def one(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows."""
        ...

    async def run(self, sql: str, *args: object) -> int:
        """How many rows were changed."""
        ...

    async def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """The statement once for each row."""
        ...

    def skip_locked(self, table: str) -> str:
        """Ends a SELECT of rows that are to be changed: those of this table are locked, and those that another
        transaction has locked are passed over. Nothing where only one can write at a time."""
        ...

    def touch(self, account: int, modseq: int) -> None:
        """Ring for this account after the commit."""
        ...
