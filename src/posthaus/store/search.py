"""Reading placements for SEARCH: narrow rows first, filtered by flags where that decides, and wide rows by ranges.

Standards: RFC 9051 §6.4.4.
Faults:    none; what is not there is not in the answer.
"""

from collections.abc import Sequence
from functools import lru_cache

from posthaus.mail.flag import DELETED
from posthaus.mail.uidset import Ranges
from posthaus.store.fetch import select_columns
from posthaus.store.tx import Row, Tx

# Of messages, told to the database; more are left to the caller. Measured, of a million placements: 0.13 s for a
# hundred or a thousand ids, 0.18 s for five thousand, and twice that for all rows to be looked through by the caller.
ONLY_IDS = 5_000
_BLOCK, _MANY_BLOCK = 50, 500  # so that there are few statements to be prepared


async def narrow(
    tx: Tx,
    mailbox: int,
    uids: Ranges,
    mask: int,
    value: int,
    columns: tuple[str, ...],
    only: tuple[frozenset[int], int] | None = None,
) -> Sequence[Row]:
    """Rows of those of these UIDs whose flags & mask are value. only: (messages, upto), where it is known that no other
    message is wanted but those with an id above `upto`; where they are many, others come as well."""
    where = "p.id BETWEEN $1 AND $2 AND p.flags & $3 = $4"
    more: tuple[int, ...] = ()
    if only is not None and len(only[0]) <= ONLY_IDS:
        ids = sorted(only[0]) or [0]
        ids += ids[-1:] * (-len(ids) % (_BLOCK if len(ids) <= _MANY_BLOCK else _MANY_BLOCK))
        where += f" AND (p.message > $5 OR p.message IN ({_places(len(ids))}))"
        more = (only[1], *ids)
    sql = select_columns(columns, "placement", f"{where} ORDER BY p.id")
    rows: list[Row] = []
    for first, last in uids:
        found = await tx.all(sql, mailbox << 32 | first, mailbox << 32 | last, mask, value, *more)
        if len(uids) == 1:
            return found
        rows += found
    return rows


@lru_cache
def _places(n: int) -> str:
    return ", ".join([f"${i}" for i in range(6, n + 6)])


async def narrow_text(tx: Tx, mailbox: int, first: int, last: int, mask: int, value: int, less: int) -> str:
    """The same as one text, "7 8 12", each UID less by so much: half the time where there are thousands."""
    row = await tx.one(
        "SELECT string_agg(CAST(u AS TEXT), ' ') FROM (SELECT (p.id & 4294967295) - $5 AS u FROM placement p"
        " WHERE p.id BETWEEN $1 AND $2 AND p.flags & $3 = $4 ORDER BY p.id) found",
        mailbox << 32 | first, mailbox << 32 | last, mask, value, less,
    )  # fmt: skip
    return "" if row is None or row[0] is None else row[0]


async def count(tx: Tx, mailbox: int, first: int, last: int) -> int:
    """How many of these UIDs are there."""
    row = await tx.one(
        "SELECT count(*) FROM placement WHERE id BETWEEN $1 AND $2", mailbox << 32 | first, mailbox << 32 | last
    )
    return 0 if row is None else row[0]


async def wide(tx: Tx, mailbox: int, uids: Ranges, columns: tuple[str, ...]) -> list[Row]:
    """Rows of these UIDs."""
    sql = select_columns(columns, "placement", "p.id BETWEEN $1 AND $2 ORDER BY p.id")
    rows: list[Row] = []
    for first, last in uids:
        rows += await tx.all(sql, mailbox << 32 | first, mailbox << 32 | last)
    return rows


async def deleted_octets(tx: Tx, mailbox: int) -> int:
    """Octets of the messages with \\Deleted (RFC 9208 §4.1.4)."""
    row = await tx.one(
        "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM placement WHERE id BETWEEN $1 AND $2 AND flags & $3 <> 0",
        mailbox << 32, mailbox << 32 | 0xFFFFFFFF, DELETED,
    )  # fmt: skip
    return 0 if row is None else row[0]
