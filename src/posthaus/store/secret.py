"""Secrets of the house that all workers share: made at first use, replaced now and then, old ones known for a while.

Standards: none.
Faults:    none.
"""

from posthaus.store.tx import Tx

SRS = "srs"  # flow/srs.py


async def known(tx: Tx, name: str, since: int) -> list[tuple[int, bytes]]:
    """(when made, value) of those made since then, the latest first."""
    rows = await tx.all(
        "SELECT created, value FROM secret WHERE name=$1 AND created>=$2 ORDER BY created DESC", name, since
    )
    return [(row[0], bytes(row[1])) for row in rows]


async def put(tx: Tx, name: str, value: bytes, now: int, keep_since: int) -> None:
    """The latest from now on; those from before keep_since are forgotten. Two workers at once: one of them wins."""
    await tx.run(
        "INSERT INTO secret (name, created, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", name, now, value
    )
    await tx.run("DELETE FROM secret WHERE name=$1 AND created<$2", name, keep_since)
