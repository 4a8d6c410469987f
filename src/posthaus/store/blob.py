"""Octets: small ones in the database, large ones outside, named by rows.

Large octets go outside in three steps: a pending row is committed, the octets are written and synced under a key that
is never used again, and the commit that names them makes the row live. Taking away goes the other way: the row becomes
to-unlink, committed, then the octets go, then the row. So a crash leaves at worst a row that the sweep finds; nobody
ever lists what lies outside.

Standards: none.
Faults:    StoreDown, StoreFull from the BlobStore.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import zstandard

from posthaus.base.value import value
from posthaus.store.error import NoSuchMessage
from posthaus.store.tx import Tx, number

LIVE, PENDING, UNLINK = 0, 1, 2
PLAIN, ZSTD, UNPACKABLE = 0, 1, 2  # the last: as it came, for packing makes it no shorter

# Measured on real mail: zstd -1 makes 0.5 of it, costs 16 microseconds in and 6 out for 4 KB, whatever is shorter takes
# nearly as long. So a longer body is packed at once, and a short one when it is a day old: most reading is of new mail.
PACK_AT_ONCE_OCTETS = 8 * 1024
PACK_WHEN_S = 24 * 3600
_LEVEL = 1


class BlobStore(Protocol):
    """Where large octets lie: a folder, or object storage."""

    async def write(self, key: str, pieces: Iterator[bytes]) -> None:
        """All octets, synced when this returns."""
        ...

    async def read(self, key: str, start: int, end: int) -> bytes: ...

    async def remove(self, key: str) -> None:
        """Also where it is not there."""
        ...


@value
class Octets:
    """Where the octets of a message are: prefix and head here, the body here (perhaps packed) or outside."""

    prefix: bytes
    head: bytes
    body: bytes
    packing: int
    place: str
    size: int  # of prefix, head and body together

    def whole(self) -> bytes:
        """All octets; only where nothing lies outside."""
        return b"".join((self.prefix, self.head, unpack(self.body, self.packing)))


class _Codec:
    """zstandard's objects are dear to make and not safe in two threads at once; a worker's loop is one thread."""

    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    decompressor = zstandard.ZstdDecompressor()


def pack(body: bytes) -> tuple[bytes, int]:
    """(octets, packing): packed where that makes it smaller."""
    packed = _Codec.compressor.compress(body)
    return (packed, ZSTD) if len(packed) < len(body) * 0.9 else (body, PLAIN)


def unpack(body: bytes, packing: int) -> bytes:
    return _Codec.decompressor.decompress(body) if packing == ZSTD else body


# -- reading -------------------------------------------------------------------------------------------------------

_TOGETHER = 50  # messages in one statement
_COLUMNS = "m.prefix, b.head, b.body, b.packing, b.place, m.size"
_FROM = " FROM message m JOIN blob b ON b.id=m.blob WHERE m.id"


async def octets(tx: Tx, message: int) -> Octets:
    row = await tx.one(f"SELECT {_COLUMNS}{_FROM}=$1", message)
    if row is None:
        raise NoSuchMessage
    return Octets(*row)


async def octets_of(tx: Tx, messages: list[int]) -> dict[int, Octets]:
    """Of many; those that are gone are left out. One statement for a few dozen: a third of the time of one for each."""
    found = {}
    for at in range(0, len(messages), _TOGETHER):
        some = messages[at : at + _TOGETHER]
        for row in await tx.all(_octets_of(len(some)), *some):
            found[row[0]] = Octets(*row[1:])
    return found


@lru_cache(_TOGETHER)
def _octets_of(n: int) -> str:
    places = ", ".join([f"${i}" for i in range(1, n + 1)])
    return f"SELECT m.id, {_COLUMNS}{_FROM} IN ({places})"


# -- outside -------------------------------------------------------------------------------------------------------


async def begin(tx: Tx, key: str, size: int, head_size: int, now: int) -> int:
    """A pending row for octets that are about to be written outside; the blob's id."""
    row = await tx.one(
        "INSERT INTO blob (size, head_size, place, state, packing, created, names, head, body)"
        " VALUES ($1, $2, $3, 1, 0, $4, 0, $5, $5) RETURNING id",
        size, head_size, key, now, b"",
    )  # fmt: skip
    return number(row)


async def unnamed(tx: Tx, pending_before: int, most: int) -> Sequence[tuple[int, str]]:
    """(id, key) of blobs to be unlinked, and those pending since before a time (their writer died)."""
    await tx.run("UPDATE blob SET state=2 WHERE state=1 AND created<$1", pending_before)
    # named again by a write that was under way when it was marked
    await tx.run("UPDATE blob SET state=0 WHERE state=2 AND names>0")
    return await tx.all("SELECT id, place FROM blob WHERE state=2 ORDER BY id LIMIT $1", most)


async def forget(tx: Tx, blobs: list[int]) -> None:
    """Rows whose octets outside are gone."""
    await tx.many("DELETE FROM blob WHERE id=$1 AND state=2", [(b,) for b in blobs])


async def drop(tx: Tx, b: int) -> None:
    """One that named it is gone; where it was the last, it goes. Octets outside are marked only."""
    if await tx.run("DELETE FROM blob WHERE id=$1 AND names=1 AND place=''", b):
        return
    await tx.run(
        "UPDATE blob SET names=names-1, state=CASE WHEN names=1 AND place<>'' THEN 2 ELSE state END WHERE id=$1", b
    )
    await tx.run("DELETE FROM blob WHERE id=$1 AND names=0 AND place=''", b)  # another one went in the same moment


async def last(tx: Tx) -> int:
    """The highest id that a blob has."""
    row = await tx.one("SELECT max(id) FROM blob")
    return row[0] or 0 if row is not None else 0


async def unpacked(tx: Tx, first: int, end: int, most: int) -> Sequence[tuple[int, int, bytes]]:
    """(id, created, body) of bodies that no one has tried to pack, ids first to end, rising, at most so many."""
    return await tx.all(
        "SELECT id, created, body FROM blob"
        " WHERE id BETWEEN $1 AND $2 AND state=0 AND packing=0 AND place='' ORDER BY id LIMIT $3",
        first, end, most,
    )  # fmt: skip


async def put_packed(tx: Tx, bodies: list[tuple[int, bytes, int]]) -> None:
    """(blob, body, packing); a body that packing does not shorten is marked so that it is not tried again."""
    packed = [(blob, packing, body) for blob, body, packing in bodies if packing]
    await tx.many("UPDATE blob SET packing=$2, body=$3 WHERE id=$1", packed)
    left = [(blob, UNPACKABLE) for blob, _, packing in bodies if not packing]
    await tx.many("UPDATE blob SET packing=$2 WHERE id=$1", left)
