"""Leases: something that one worker of one node has to himself for a while.

A lease has a name, an owner and an end; a dead owner's lease simply runs out. Times are Unix milliseconds. One that
ends much later than if it were taken now was taken before the wall clock went back, and holds no longer.

Faults: Locked.
"""

from posthaus.store.error import Locked
from posthaus.store.tx import Tx

SWEEP = "sweep"  # flow/sweep.py; held by a backup too, so that nothing is taken away under its feet
DKIM = "dkim"  # flow/rotate.py
STS = "sts"  # flow/sts.py
TLSRPT = "tlsrpt"  # flow/tlsreport.py
SORTFACT = "sortfact"  # flow/sortfact.py


async def take(tx: Tx, name: str, owner: str, now_ms: int, until_ms: int) -> None:
    """Take or renew; Locked while another owner has it. All who take one of this name take it for as long."""
    row = await tx.one(
        "INSERT INTO lease (name, owner, until) VALUES ($1, $2, $4)"
        " ON CONFLICT (name) DO UPDATE SET owner=excluded.owner, until=excluded.until"
        " WHERE lease.owner=excluded.owner OR lease.until<=$3 OR lease.until>$5 RETURNING owner",
        name, owner, now_ms, until_ms, until_ms + (until_ms - now_ms),
    )  # fmt: skip
    if row is None:
        raise Locked(name)


async def release(tx: Tx, name: str, owner: str) -> None:
    await tx.run("DELETE FROM lease WHERE name=$1 AND owner=$2", name, owner)


async def owners(tx: Tx) -> list[str]:
    return [row[0] for row in await tx.all("SELECT DISTINCT owner FROM lease ORDER BY owner")]


async def release_all(tx: Tx, owner_prefix: str) -> int:
    """All leases of a worker that died: owners are "<worker>/<session>". How many."""
    rows = [row for row in await tx.all("SELECT name, owner FROM lease") if row[1].startswith(owner_prefix)]
    for name, owner in rows:
        await tx.run("DELETE FROM lease WHERE name=$1 AND owner=$2", name, owner)
    return len(rows)


async def sweep(tx: Tx, now_ms: int) -> int:
    return await tx.run("DELETE FROM lease WHERE until<=$1", now_ms)
