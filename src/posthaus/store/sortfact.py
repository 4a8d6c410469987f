"""What SORT looks at, kept by pieces of a mailbox, column by column: the rows of messages are wide, and this is not.

A piece is SIZE UIDs of a mailbox. It is made when it is whole, beside the mail (flow/sortfact.py): a UID never stands
for another message, and what SORT looks at changes with the scan alone, whose version is part of ours, so what is kept
holds for as long as its version. Who is expunged is in it and not asked for. What is not kept, of a piece that is not
whole yet or of another version, is read from the messages.

Standards: none.
Faults:    none of its own.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import zstandard

from posthaus.mail import uidset
from posthaus.mail.sortfact import NUMBERS, TEXTS, VERSION
from posthaus.mail.uidset import Ranges
from posthaus.store.tx import Tx

SIZE: Final = 1_024  # UIDs of a piece
FEWEST: Final = 64  # messages of a piece that are worth it: these few are read as quickly by themselves

_NAMES: Final = (*NUMBERS, *TEXTS)
_LENGTHS: Final = struct.Struct(f"<{len(_NAMES)}I")  # of the columns, packed
_LEVEL: Final = 3
_packer, _unpacker = zstandard.ZstdCompressor(level=_LEVEL), zstandard.ZstdDecompressor()  # of the loop's thread


# -- reading -------------------------------------------------------------------------------------------------------


async def read(tx: Tx, mailbox: int, first: int, last: int) -> dict[int, tuple[Ranges, bytes]]:
    """Of pieces first to last what is kept: whose, and the columns packed."""
    rows = await tx.all(
        "SELECT piece, uids, packed FROM sortfact WHERE mailbox=$1 AND piece BETWEEN $2 AND $3 AND version=$4"
        " AND uids<>''",
        mailbox, first, last, VERSION,
    )  # fmt: skip
    return {piece: (uidset.parse(uids), packed) for piece, uids, packed in rows}


def unpack(packed: bytes, name: bytes) -> Sequence[Any]:
    """One column: integers or texts, in the order of the UIDs."""
    lengths, at = _LENGTHS.unpack_from(packed), _NAMES.index(name)
    start = _LENGTHS.size + sum(lengths[:at])
    octets = _unpacker.decompress(packed[start : start + lengths[at]])
    if name in NUMBERS:
        return struct.unpack(f"<{len(octets) // 8}q", octets)
    return octets.decode("utf-8").split("\0")  # no text from mail has one (mail/decode.py, store/text.py)


# -- keeping -------------------------------------------------------------------------------------------------------


def pack(name: bytes, column: Sequence[Any]) -> bytes:
    whole = struct.pack(f"<{len(column)}q", *column) if name in NUMBERS else "\0".join(column).encode("utf-8")
    return _packer.compress(whole)


def join(columns: Sequence[bytes]) -> bytes:
    """All packed columns of a piece, in the order of NUMBERS and TEXTS."""
    return _LENGTHS.pack(*map(len, columns)) + b"".join(columns)


async def lacking(tx: Tx, after: int, most: int) -> tuple[int, list[tuple[int, int]]]:
    """Looks at the next `most` mailboxes above an id. The last id looked at, 0 where there are no more; and those that
    have whole pieces of which nothing is kept, each with the number of its whole pieces. What a later release keeps is
    left to it: its workers and ours may run at once."""
    rows = await tx.all(
        "SELECT id, uidnext / $3, CASE WHEN uidnext < $3 OR state<>0 THEN 0 ELSE uidnext / $3 -"
        " (SELECT count(*) FROM sortfact s WHERE s.mailbox=b.id AND s.version>=$4) END"
        " FROM mailbox b WHERE id>$1 ORDER BY id LIMIT $2",
        after, most, SIZE, VERSION,
    )  # fmt: skip
    return rows[-1][0] if len(rows) == most else 0, [(row[0], row[1]) for row in rows if row[2] > 0]


async def missing(tx: Tx, mailbox: int, pieces: int) -> list[int]:
    """Which of the first so many pieces are not kept, rising."""
    rows = await tx.all("SELECT piece FROM sortfact WHERE mailbox=$1 AND version>=$2", mailbox, VERSION)
    return sorted(set(range(pieces)) - {row[0] for row in rows})


async def put(tx: Tx, mailbox: int, piece: int, uids: Ranges, packed: bytes) -> None:
    """In place of what was kept; nothing where the mailbox is going away."""
    if await tx.one("SELECT 1 FROM mailbox WHERE id=$1 AND state=0", mailbox) is None:
        return
    await tx.run(
        "INSERT INTO sortfact (mailbox, piece, version, uids, packed) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (mailbox, piece) DO UPDATE SET version=excluded.version, uids=excluded.uids,"
        " packed=excluded.packed",
        mailbox, piece, VERSION, uidset.render(uids), packed,
    )  # fmt: skip


async def thinned(tx: Tx, after: tuple[int, int], most: int) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """Looks at the next `most` pieces after (mailbox, piece). The last one looked at, (0, 0) where there are no more;
    and those of which most messages have gone."""
    rows = await tx.all(
        "SELECT mailbox, piece, uids, (SELECT count(*) FROM placement p WHERE uids<>'' AND p.id BETWEEN"
        " s.mailbox * 4294967296 + s.piece * $4 AND s.mailbox * 4294967296 + (s.piece + 1) * $4 - 1)"
        " FROM sortfact s WHERE (mailbox, piece) > ($1, $2) ORDER BY mailbox, piece LIMIT $3",
        *after, most, SIZE,
    )  # fmt: skip
    last = (rows[-1][0], rows[-1][1]) if len(rows) == most else (0, 0)
    gone = [(row[0], row[1]) for row in rows if row[2] and row[3] * 2 < uidset.count(uidset.parse(row[2]))]
    return last, gone


async def forget(tx: Tx, pieces: Sequence[tuple[int, int]]) -> None:
    """They are lacking then, and made anew of what is there."""
    await tx.many("DELETE FROM sortfact WHERE mailbox=$1 AND piece=$2", pieces)


async def forget_mailbox(tx: Tx, mailbox: int, most: int) -> int:
    """Some of what is kept of a mailbox; how many pieces."""
    rows = await tx.all("SELECT piece FROM sortfact WHERE mailbox=$1 LIMIT $2", mailbox, most)
    await forget(tx, [(mailbox, row[0]) for row in rows])
    return len(rows)
