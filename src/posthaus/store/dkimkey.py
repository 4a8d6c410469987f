"""Keys that sign for a domain, as rows.

    published -> active    its TXT record was seen in DNS, or its time has come, or by hand
    active    -> retired   another key took over; its record stays in DNS while its signatures are on their way
    retired   -> (gone)    removed by hand; its private octets go when its record may go

An id is never used twice and a key never changes, so a worker may keep by id what it has read.

Standards: RFC 6376 §3.1 (selectors).
Faults:    NoSuchKey, KeyExists, NoSuchDomain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.store import directory
from posthaus.store.error import KeyExists, NoSuchDomain, NoSuchKey
from posthaus.store.tx import Tx, number

PUBLISHED, ACTIVE, RETIRED = 0, 1, 2
STATES = ("published", "active", "retired")


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A row without its private octets."""

    id: int
    domain: str
    selector: str
    algorithm: str
    public: str
    state: int
    created: int
    active_from: int
    retire_at: int


@dataclass(frozen=True, slots=True)
class NewKey:
    domain: str
    selector: str
    algorithm: str
    private: bytes
    public: str


_COLUMNS = "id, domain, selector, algorithm, public, state, created, active_from, retire_at"


async def add(tx: Tx, key: NewKey, now: int, active_from: int = 0) -> int:
    """Published; active_from as in the schema."""
    if not await directory.domain_exists(tx, key.domain):
        raise NoSuchDomain(key.domain)
    if await tx.one("SELECT 1 FROM dkim_key WHERE domain=$1 AND selector=$2", key.domain, key.selector) is not None:
        raise KeyExists(f"{key.selector} of {key.domain}")
    row = await tx.one(
        "INSERT INTO dkim_key (domain, selector, algorithm, private, public, state, created, active_from, retire_at)"
        " VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 0) RETURNING id",
        key.domain, key.selector, key.algorithm, key.private, key.public, now, active_from,
    )  # fmt: skip
    return number(row)


async def listing(tx: Tx, domain: str | None = None) -> list[DkimKey]:
    where, args = ("WHERE domain=$1", (domain,)) if domain is not None else ("", ())
    rows = await tx.all(f"SELECT {_COLUMNS} FROM dkim_key {where} ORDER BY domain, created, id", *args)
    return [DkimKey(*row) for row in rows]


async def find(tx: Tx, domain: str, selector: str) -> DkimKey:
    row = await tx.one(f"SELECT {_COLUMNS} FROM dkim_key WHERE domain=$1 AND selector=$2", domain, selector)
    if row is None:
        raise NoSuchKey(f"{selector} of {domain}")
    return DkimKey(*row)


async def active(tx: Tx, domain: str) -> Sequence[tuple[int, str, str]]:
    """(id, selector, algorithm) of the keys that sign; asked for each message that is sent."""
    rows = await tx.all("SELECT id, selector, algorithm FROM dkim_key WHERE domain=$1 AND state=1", domain)
    return [(row[0], row[1], row[2]) for row in rows]


async def private(tx: Tx, key: int) -> bytes:
    row = await tx.one("SELECT private FROM dkim_key WHERE id=$1", key)
    if row is None or not row[0]:
        raise NoSuchKey(str(key))
    return bytes(row[0])


async def activate(tx: Tx, keys: Sequence[int], now: int) -> None:
    """These sign from now on; they must be published, or active already."""
    for key in keys:
        await tx.run("UPDATE dkim_key SET state=1, active_from=$2 WHERE id=$1 AND state=0", key, now)


async def retire(tx: Tx, keys: Sequence[int], record_until: int) -> None:
    """These sign no more; their records stay in DNS until then."""
    for key in keys:
        await tx.run("UPDATE dkim_key SET state=2, retire_at=$2 WHERE id=$1 AND state<2", key, record_until)


async def replace(tx: Tx, fresh: Sequence[DkimKey], now: int, record_until: int) -> None:
    """Published keys take over: what was active with the same algorithm is retired in the same commit."""
    for key in fresh:
        old = await tx.all(
            "SELECT id FROM dkim_key WHERE domain=$1 AND algorithm=$2 AND state=1 AND id<>$3",
            key.domain, key.algorithm, key.id,
        )  # fmt: skip
        await activate(tx, [key.id], now)
        await retire(tx, [row[0] for row in old], record_until)


async def retire_due(tx: Tx, now: int, record_until: int) -> int:
    """Active keys whose planned end has come."""
    return await tx.run(
        "UPDATE dkim_key SET state=2, retire_at=$2 WHERE state=1 AND retire_at>0 AND retire_at<=$1", now, record_until
    )


async def plan_retirement(tx: Tx, key: int, at: int) -> None:
    await tx.run("UPDATE dkim_key SET retire_at=$2 WHERE id=$1 AND state=1", key, at)


async def waiting(tx: Tx) -> list[DkimKey]:
    """Published keys: those whose record or time is waited for."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM dkim_key WHERE state=0 ORDER BY domain, id")
    return [DkimKey(*row) for row in rows]


async def forget_private(tx: Tx, now: int) -> int:
    """A retired key whose record may be gone cannot be used again: its private octets go."""
    return await tx.run("UPDATE dkim_key SET private=$2 WHERE state=2 AND retire_at<=$1 AND private<>$2", now, b"")


async def remove(tx: Tx, domain: str, selector: str) -> None:
    if not await tx.run("DELETE FROM dkim_key WHERE domain=$1 AND selector=$2", domain, selector):
        raise NoSuchKey(f"{selector} of {domain}")
