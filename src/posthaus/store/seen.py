"""\\Seen of members: people who read a mailbox that is another's, each with a \\Seen of his own.

The owner's is a bit of `placement.flags`, like all flags; a member's is a bit in a bitmap of 4,096 UIDs, as `gone` has
them. Where nothing is written he has seen nothing, so a mailbox costs no row until somebody reads in it, and a million
messages cost 245. The bit of a UID that is gone counts nowhere, for UIDs do not come back: EXPUNGE need not know of it.

What is read for a member passes through here: `put_in` exchanges the owner's bit for his.

Standards: RFC 9051 §2.3.2, §6.3.3 (per-user state); RFC 4314 §2.1 (`s`).
Faults:    NoSuchAccount, of a member who is no more and would write.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import or_
from typing import Final

from posthaus.mail.flag import SEEN
from posthaus.mail.uidset import Ranges, count, from_sorted
from posthaus.store import account as accounts
from posthaus.store import fetch, search, span
from posthaus.store import mailbox as mailboxes
from posthaus.store.gone import CHUNK, masks
from posthaus.store.mailbox import Mailbox
from posthaus.store.tx import Row, Tx

Seen = Mapping[int, bytes]  # chunk -> an octet for each of its UIDs, 1 where it is seen; none for a chunk without any

_NOTHING: Final = bytes(CHUNK)
_OCTETS: Final = bytes.maketrans(b"01", b"\0\1")
_ONES: Final = re.compile(b"\1+")
_RARE: Final = 16  # one of so many
_SPANS: Final = 20  # more questions than that cost more than the rows that are read for nothing


# -- what a member has seen ----------------------------------------------------------------------------------------


async def read(tx: Tx, mailbox: int, member: int, first: int, last: int) -> Seen:
    """Of the UIDs first to last, and those around them."""
    return {chunk: _octets(_int(bits)) for chunk, bits in await _chunks(tx, mailbox, member, first, last)}


def picked(seen: Seen, uids: Sequence[int]) -> bytes:
    """An octet for each of these UIDs, which rise: 1 where it is seen, else 0."""
    pieces: list[bytes] = []
    at = 0
    while at < len(uids):
        chunk = uids[at] // CHUNK
        start = chunk * CHUNK
        end = bisect_left(uids, start + CHUNK, at)
        octets = seen.get(chunk, _NOTHING)
        if uids[end - 1] - uids[at] == end - 1 - at:
            pieces.append(octets[uids[at] - start : uids[end - 1] - start + 1])
        else:
            pieces.append(bytes([octets[uid - start] for uid in uids[at:end]]))
        at = end
    return b"".join(pieces)


def put_in(seen: Seen, uids: Sequence[int], flags: Sequence[int]) -> list[int]:
    """The flags of these UIDs, which rise, as the member sees them."""
    others = {f: f & ~SEEN for f in set(flags)}
    return list(map(or_, map(others.__getitem__, flags), picked(seen, uids)))


async def _chunks(tx: Tx, mailbox: int, member: int, first: int, last: int) -> Sequence[tuple[int, bytes]]:
    rows = await tx.all(
        "SELECT chunk, bits FROM seen WHERE mailbox=$1 AND member=$2 AND chunk BETWEEN $3 AND $4 ORDER BY chunk",
        mailbox, member, first // CHUNK, last // CHUNK,
    )  # fmt: skip
    return rows


def _int(bits: bytes | None) -> int:
    return 0 if bits is None else int.from_bytes(bits, "little")


def _bitmap(bits: int) -> bytes:
    return bits.to_bytes(CHUNK // 8, "little")


def _octets(bits: int, count: int = CHUNK) -> bytes:
    # bit 0 is the last digit: turned round, digit i stands for the i-th UID
    return f"{bits:0{count}b}"[::-1].encode("ascii").translate(_OCTETS)


async def placements(
    tx: Tx, mailbox: int, member: int, first: int, last: int, columns: tuple[str, ...], most: int
) -> tuple[Sequence[Row], Seen]:
    """As fetch.placements, and what is to be put into the flags, where they are wanted."""
    rows = await fetch.placements(tx, mailbox, first, last, columns, most)
    return rows, await read(tx, mailbox, member, first, last) if "flags" in columns else {}


async def dense_flags(tx: Tx, mailbox: int, member: int, first: int, last: int) -> list[int] | None:
    """As fetch.dense_flags, in one statement too: a second would cost a tenth where the way to the database is long."""
    chunks = range(first // CHUNK, last // CHUNK + 1)
    row = await tx.one(_dense(len(chunks)), mailbox << 32 | first, mailbox << 32 | last, mailbox, member, *chunks)
    if row is None or row[0] != last - first + 1:
        return None
    bits = sum([_int(one) << number * CHUNK for number, one in enumerate(row[2:])]) >> first % CHUNK
    return _with(row[1], _octets(bits & (1 << row[0]) - 1, row[0]))


class _SeenNumbers(dict[str, int]):
    """As fetch.numbers, with \\Seen."""

    def __missing__(self, text: str) -> int:
        if len(self) > 10_000:
            self.clear()
        number = self[text] = int(text) | SEEN
        return number


_seen_numbers = _SeenNumbers()


def _with(text: str, own: bytes) -> list[int]:
    """Flags without \\Seen, and then with it where he has it. Most of a mailbox is read, or most of it is not: so
    only what is otherwise is looked at (10,000 of which 200 are: 1.23 ms, against 1.37; the owner's take 1.12)."""
    seen = own.count(1)
    rare = 0 if 2 * seen > len(own) else 1
    if _RARE * min(seen, len(own) - seen) > len(own):
        return list(map(or_, fetch.numbers(text), own))
    flags = list(fetch.numbers(text) if rare else map(_seen_numbers.__getitem__, text.split(",")))
    at = own.find(rare)
    while at >= 0:
        flags[at] ^= SEEN
        at = own.find(rare, at + 1)
    return flags


@lru_cache(100)
def _dense(chunks: int) -> str:
    bits = [f", (SELECT bits FROM seen WHERE mailbox=$3 AND member=$4 AND chunk=${i + 5})" for i in range(chunks)]
    return (
        f"SELECT count(*), string_agg(CAST(flags & {~SEEN} AS TEXT), ','){''.join(bits)} FROM"
        " (SELECT flags FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id) AS sorted"
    )


# -- what he has not -----------------------------------------------------------------------------------------------


async def unseen(tx: Tx, box: Mailbox, member: int) -> int:
    """How many messages he has not seen: counted by bits, no counter is kept."""
    rows = await tx.all(
        "SELECT s.bits, g.bits FROM seen s LEFT JOIN gone g ON g.mailbox=s.mailbox AND g.chunk=s.chunk"
        " WHERE s.mailbox=$1 AND s.member=$2",
        box.id, member,
    )  # fmt: skip
    return box.total - sum([(_int(bits) & ~_int(gone)).bit_count() for bits, gone in rows])


async def first_unseen(tx: Tx, box: Mailbox, member: int) -> int | None:
    """The UID of the first message that he has not seen."""
    seen = dict(await _chunks(tx, box.id, member, 1, box.uidnext))
    gone = dict(await mailboxes.gone(tx, box.id))
    for chunk, mask in masks([(1, box.uidnext - 1)]).items():
        left = mask & ~_int(gone.get(chunk)) & ~_int(seen.get(chunk))
        if left:
            return chunk * CHUNK + (left & -left).bit_length() - 1
    return None


async def among(tx: Tx, mailbox: int, member: int, uids: Ranges, *, wanted: bool) -> list[int]:
    """Of these UIDs, which were all given out, those that are there and that he has seen, or has not."""
    if not uids:
        return []
    first, last = uids[0][0], uids[-1][1]
    seen = dict(await _chunks(tx, mailbox, member, first, last))
    gone = await tx.all(
        "SELECT chunk, bits FROM gone WHERE mailbox=$1 AND chunk BETWEEN $2 AND $3",
        mailbox, first // CHUNK, last // CHUNK,
    )  # fmt: skip
    there = masks(uids)
    for chunk, bits in gone:
        there[chunk] = there.get(chunk, 0) & ~_int(bits)
    found: list[int] = []
    for chunk, mask in there.items():
        bits = _int(seen.get(chunk))
        left = mask & (bits if wanted else ~bits)
        if left:
            found += compress(range(chunk * CHUNK, chunk * CHUNK + CHUNK), _octets(left))
    return found


async def narrow(
    tx: Tx,
    mailbox: int,
    member: int,
    uids: Ranges,
    mask: int,
    value: int,
    columns: tuple[str, ...],
    only: tuple[frozenset[int], int] | None = None,
) -> Sequence[Row]:
    """As search.narrow, for flags as the member sees them."""
    rows: Sequence[Row]
    if mask & SEEN:
        wanted = await among(tx, mailbox, member, uids, wanted=bool(value & SEEN))
        mask, value = mask & ~SEEN, value & ~SEEN
        is_bare = columns == ("uid",) and only is None
        if is_bare and not mask:
            return [(uid,) for uid in wanted]  # the bitmaps say it all
        around = _around(wanted, uids)
        if is_bare and around is uids and len(uids) == 1:  # many: as one text (PostgreSQL, 10,000: 11 ms, else 21)
            there = set(map(int, (await search.narrow_text(tx, mailbox, *uids[0], mask, value, 0)).split()))
            return [(uid,) for uid in wanted if uid in there]
        rows = await search.narrow(tx, mailbox, around, mask, value, columns, only)
        inside = set(wanted)
        rows = [row for row in rows if row[0] in inside]
    else:
        rows = await search.narrow(tx, mailbox, uids, mask, value, columns, only)
    if "flags" not in columns or not rows:
        return rows
    at = columns.index("flags")
    found = [row[0] for row in rows]
    seen = await read(tx, mailbox, member, found[0], found[-1])
    flags = put_in(seen, found, [row[at] for row in rows])
    return [(*row[:at], f, *row[at + 1 :]) for row, f in zip(rows, flags, strict=True)]


def _around(wanted: Sequence[int], uids: Ranges) -> Ranges:
    """What to read for the sake of these UIDs, which are among `uids`: less than all where that is worth the while."""
    if 4 * len(wanted) > count(uids):
        return uids
    spans = [(near[0][0], near[-1][1]) for near in span.near(from_sorted(wanted))]
    return spans if len(spans) <= _SPANS else uids


# -- writing -------------------------------------------------------------------------------------------------------


async def mark(tx: Tx, mailbox: int, member: int, uids: Ranges, *, seen: bool) -> None:
    """He has seen these UIDs, or has not. The caller holds the owner's account; the member's may be gone by now."""
    if not uids:
        return
    await accounts.modseq(tx, member)
    old = dict(await _chunks(tx, mailbox, member, uids[0][0], uids[-1][1]))
    new: list[tuple[int, int, int]] = []
    for chunk, mask in masks(uids).items():
        bits = _int(old.get(chunk))
        new.append((member, chunk, bits | mask if seen else bits & ~mask))
    await _put(tx, mailbox, new)


async def _put(tx: Tx, mailbox: int, rows: Iterable[tuple[int, int, int]]) -> None:
    """Of (member, chunk, bits)."""
    await tx.many(
        "INSERT INTO seen (mailbox, member, chunk, bits) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (mailbox, member, chunk) DO UPDATE SET bits=excluded.bits",
        [(mailbox, member, chunk, _bitmap(bits)) for member, chunk, bits in rows],
    )


async def carry(tx: Tx, source: int, uids: Sequence[int], target: int, first: int) -> None:
    """These UIDs, which rise, were copied to those of another mailbox from `first` on: who has seen them has seen them
    there. However many members there are, it takes a few statements."""
    by_member: dict[int, dict[int, bytes]] = {}
    for member, chunk, bits in await _of_all(tx, source, uids[0], uids[-1]):
        by_member.setdefault(member, {})[chunk] = _octets(_int(bits))
    here = {(member, chunk): bits for member, chunk, bits in await _of_all(tx, target, first, first + len(uids) - 1)}
    new = [
        (member, chunk, mask | _int(here.get((member, chunk))))
        for member, seen in sorted(by_member.items())
        for chunk, mask in masks(_runs(picked(seen, uids), first)).items()
    ]
    await _put(tx, target, new)


async def _of_all(tx: Tx, mailbox: int, first: int, last: int) -> Sequence[tuple[int, int, bytes]]:
    rows = await tx.all(
        "SELECT member, chunk, bits FROM seen WHERE mailbox=$1 AND chunk BETWEEN $2 AND $3",
        mailbox, first // CHUNK, last // CHUNK,
    )  # fmt: skip
    return rows


def _runs(octets: bytes, first: int) -> Ranges:
    """The UIDs that are seen, where the octets are those of the UIDs from `first` on."""
    return [(first + ones.start(), first + ones.end() - 1) for ones in _ONES.finditer(octets)]


async def forget_mailbox(tx: Tx, mailbox: int, most: int) -> int:
    """Drops rows of a mailbox that is no more; how many."""
    return await _forget(tx, "mailbox", mailbox, most)


async def forget_member(tx: Tx, member: int, most: int) -> int:
    """The same of an account that is no more."""
    return await _forget(tx, "member", member, most)


async def _forget(tx: Tx, whose: str, number: int, most: int) -> int:
    rows = await tx.all(f"SELECT mailbox, member, chunk FROM seen WHERE {whose}=$1 LIMIT $2", number, most)
    await tx.many("DELETE FROM seen WHERE mailbox=$1 AND member=$2 AND chunk=$3", rows)
    return len(rows)
