"""Placements by sets of UIDs: few questions also where a set is scattered.

Every question is a way to the database and back (PostgreSQL: some 100 microseconds, SQLite: 5), so ranges that lie near
each other are read as one, and what was not asked for is left out here.

Standards: none.
Faults:    none; what is not there is not in the answer.
"""

from collections.abc import Iterator

from posthaus.mail.uidset import Ranges, iterate
from posthaus.store.tx import Row, Tx

UID = 0xFFFFFFFF
_GAP = 32  # that many rows read for nothing cost less than one more question


async def placed(tx: Tx, mailbox: int, uids: Ranges, columns: str, where: str = "") -> list[Row]:
    """id and these columns of the placements among these UIDs, by id."""
    sql = f"SELECT id, {columns} FROM placement WHERE id BETWEEN $1 AND $2{where} ORDER BY id"
    found: list[Row] = []
    for ranges in near(uids):
        rows = await tx.all(sql, mailbox << 32 | ranges[0][0], mailbox << 32 | ranges[-1][1])
        if len(ranges) > 1:
            wanted = set(iterate(ranges))
            rows = [row for row in rows if row[0] & UID in wanted]
        found += rows
    return found


def near(ranges: Ranges) -> Iterator[Ranges]:
    """Ranges in groups that lie near each other."""
    group: Ranges = []
    for one in ranges:
        if group and one[0] - group[-1][1] > _GAP:
            yield group
            group = []
        group.append(one)
    if group:
        yield group
