"""What the index of texts is made from: messages by their ids, with who holds them.

Standards: none.
Faults:    none of its own.
"""

from collections.abc import Sequence

from posthaus.store.tx import Row, Tx


async def ids(tx: Tx, after: int, most: int) -> list[int]:
    """Ids of messages above `after`, rising."""
    return [row[0] for row in await tx.all("SELECT id FROM message WHERE id>$1 ORDER BY id LIMIT $2", after, most)]


async def last(tx: Tx) -> int:
    """The highest id of a message; 0 where there is none."""
    row = await tx.one("SELECT max(id) FROM message")
    return row[0] or 0 if row is not None else 0


async def read(tx: Tx, messages: Sequence[int]) -> list[tuple[int, tuple[int, ...], Row]]:
    """(id, accounts that hold it, structure prefix head body packing place) of those that are there."""
    found = []
    for message in messages:
        row = await tx.one(
            "SELECT m.structure, m.prefix, b.head, b.body, b.packing, b.place FROM message m"
            " JOIN blob b ON b.id=m.blob WHERE m.id=$1",
            message,
        )
        if row is not None:
            accounts = await tx.all("SELECT account FROM email WHERE message=$1 ORDER BY account", message)
            found.append((message, tuple([account for (account,) in accounts]), row))
    return found


async def absent(tx: Tx, messages: Sequence[int]) -> list[int]:
    """Those of these ids, rising, that no message has."""
    if not messages:
        return []
    rows = await tx.all("SELECT id FROM message WHERE id BETWEEN $1 AND $2", messages[0], messages[-1])
    there = {row[0] for row in rows}
    return [message for message in messages if message not in there]
