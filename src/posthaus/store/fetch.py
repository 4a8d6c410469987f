"""Reading placements: one join per batch, just the columns that are wanted.

A reader names columns; the rows come in UID order. Tombstones are read alike, for sessions that have not yet told their
client of an expunge (RFC 9051 §7.5.1).

Faults: none; what is not there is not in the answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from posthaus.mail.uidset import Range, Ranges, from_sorted
from posthaus.store.tx import Row, Tx

_PLACEMENT = {
    "uid": "p.id & 4294967295",
    "flags": "p.flags",
    "modseq": "p.modseq",
    "size": "p.size",
    "received": "p.received",
    "saved": "p.saved",
    "message": "p.message",
}
_MESSAGE = {
    name: f"m.{name}"
    for name in [
        "blob",
        "prefix",
        "version",
        "fields",
        "field_index",
        "envelope",
        "bodystructure",
        "structure",
        "subject",
        "base_subject",
        "sender",
        "recipients",
        "message_id",
        "refs",
        "sent_at",
        "has_attachment",
        "preview",
    ]
}
_BLOB = {
    "head_size": "b.head_size",
    "place": "b.place",
    "packing": "b.packing",
    "blob_size": "b.size",
    "head": "b.head",
    "body": "b.body",
}
_ALL = {**_PLACEMENT, **_MESSAGE, **_BLOB}


@lru_cache(500)
def select_columns(columns: tuple[str, ...], table: str, where: str) -> str:
    joins = ""
    wanted = set(columns)
    if wanted & (_MESSAGE.keys() | _BLOB.keys()):
        joins += " JOIN message m ON m.id=p.message"
    if wanted & _BLOB.keys():
        joins += " JOIN blob b ON b.id=m.blob"
    return f"SELECT {', '.join(_ALL[c] for c in columns)} FROM {table} p{joins} WHERE {where}"


async def placements(tx: Tx, mailbox: int, first: int, last: int, columns: tuple[str, ...], most: int) -> Sequence[Row]:
    """Rows of the UIDs first to last, at most so many."""
    # SQLite plans a statement anew for each value that is bound to its LIMIT: a tenth of the time of ENVELOPE
    sql = select_columns(columns, "placement", f"p.id BETWEEN $1 AND $2 ORDER BY p.id LIMIT {most:d}")
    return await tx.all(sql, mailbox << 32 | first, mailbox << 32 | last)


async def tombstone(tx: Tx, mailbox: int, uid: int, columns: tuple[str, ...]) -> Row | None:
    """The same of an expunged UID, while its octets are there."""
    return await tx.one(select_columns(columns, "tombstone", "p.id=$1"), mailbox << 32 | uid)


async def one(tx: Tx, mailbox: int, uid: int, columns: tuple[str, ...]) -> Row | None:
    return await tx.one(select_columns(columns, "placement", "p.id=$1"), mailbox << 32 | uid)


async def listing(tx: Tx, mailbox: int) -> Sequence[tuple[int, int, int]]:
    """(uid, size, message) of all, for POP3."""
    rows = await tx.all(
        "SELECT id & 4294967295, size, message FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id",
        mailbox << 32,
        mailbox << 32 | 0xFFFFFFFF,
    )
    return rows


async def ranges_since(tx: Tx, mailbox: int, uids: Iterable[Range], modseq: int) -> Ranges:
    """Of these UIDs, those whose MODSEQ is higher (RFC 7162 §3.1.4.1)."""
    found: list[int] = []
    for first, last in uids:
        rows = await tx.all(
            "SELECT id & 4294967295 FROM placement WHERE id BETWEEN $1 AND $2 AND modseq > $3 ORDER BY id",
            mailbox << 32 | first, mailbox << 32 | last, modseq,
        )  # fmt: skip
        found += [r[0] for r in rows]
    return from_sorted(found)


async def ranges_with(tx: Tx, mailbox: int, uids: Iterable[Range], mask: int, value: int) -> Ranges:
    """Of these UIDs, those that are there and whose flags & mask are value."""
    found: list[int] = []
    for first, last in uids:
        rows = await tx.all(
            "SELECT id & 4294967295 FROM placement WHERE id BETWEEN $1 AND $2 AND flags & $3 = $4 ORDER BY id",
            mailbox << 32 | first, mailbox << 32 | last, mask, value,
        )  # fmt: skip
        found += [r[0] for r in rows]
    return from_sorted(found)


class _Numbers(dict[str, int]):
    """Decimal text -> number; the sets of flags in use are few."""

    def __missing__(self, text: str) -> int:
        if len(self) > 10_000:
            self.clear()
        number = self[text] = int(text)
        return number


_numbers = _Numbers()


def numbers(text: str) -> Iterator[int]:
    """Of decimal numbers with commas between them."""
    return map(_numbers.__getitem__, text.split(","))


async def dense_flags(tx: Tx, mailbox: int, first: int, last: int) -> list[int] | None:
    """Flags of all UIDs first to last, if they are all there; None where one is missing.

    One row instead of thousands: measured on 10,000 messages, 0.8 ms against 2.5 for rows of UID and flags.
    """
    row = await tx.one(
        # an aggregate reads a sorted subquery in its order, in both databases
        "SELECT count(*), string_agg(CAST(flags AS TEXT), ',') FROM"
        " (SELECT flags FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id) AS sorted",
        mailbox << 32 | first,
        mailbox << 32 | last,
    )
    if row is None or row[0] != last - first + 1:
        return None
    return list(numbers(row[1]))
