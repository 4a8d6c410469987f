"""Policies of MTA-STS, as they were fetched.

Standards: RFC 8461 §3.3 and §5.1.
Faults:    none.
"""

from dataclasses import dataclass

from posthaus.store.text import storable
from posthaus.store.tx import Tx

_COLUMNS = "domain, id, text, fetched, expires, used"


@dataclass(frozen=True, slots=True)
class Kept:
    """Times are Unix seconds."""

    domain: str
    id: str
    text: str
    fetched: int
    expires: int
    used: int


async def get(tx: Tx, domain: str, now: int) -> Kept | None:
    """What still holds."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM sts_policy WHERE domain=$1 AND expires>$2", storable(domain), now)
    return None if row is None else Kept(*row)


async def put(tx: Tx, kept: Kept) -> None:
    await tx.run(
        f"INSERT INTO sts_policy ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (domain) DO UPDATE SET"
        " id=excluded.id, text=excluded.text, fetched=excluded.fetched, expires=excluded.expires, used=excluded.used",
        kept.domain, kept.id, storable(kept.text), kept.fetched, kept.expires, kept.used,
    )  # fmt: skip


async def touch(tx: Tx, domain: str, now: int) -> None:
    """It was asked for."""
    await tx.run("UPDATE sts_policy SET used=$2 WHERE domain=$1 AND used<$2", domain, now)


async def to_refresh(tx: Tx, fetched_before: int, used_after: int, now: int, most: int) -> list[Kept]:
    """What still holds and is in use, the oldest first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM sts_policy WHERE fetched<=$1 AND used>$2 AND expires>$3 ORDER BY fetched LIMIT $4",
        fetched_before, used_after, now, most,
    )  # fmt: skip
    return [Kept(*row) for row in rows]


async def sweep(tx: Tx, now: int) -> int:
    """What holds no longer. What was fetched later than now, before the wall clock went back, is as if it had been
    fetched now: it would hold for as long as the clock was ahead, and its domain may have taken it back."""
    await tx.run("UPDATE sts_policy SET expires=expires-fetched+$1, fetched=$1 WHERE fetched>$1", now)
    await tx.run("UPDATE sts_policy SET used=$1 WHERE used>$1", now)
    return await tx.run("DELETE FROM sts_policy WHERE expires<=$1", now)
