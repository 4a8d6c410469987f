"""What SORT looks at, of many messages: as it is kept by pieces of the mailbox, and from the rows of the others.

Standards: none.
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from posthaus.mail.sortfact import COLUMNS, columns_of, facts
from posthaus.mail.uidset import Ranges, from_sorted, iterate
from posthaus.store import search as rows
from posthaus.store import sortfact
from posthaus.store.tx import Row

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_BATCH = 1_000  # messages read at once
_PIECES = 16  # of a mailbox, read at once
_WORTH_UNPACKING = 16  # one in so many of a piece is wanted; fewer are read by themselves

Facts = tuple[Sequence[int], list[Sequence[Any]]]  # UIDs, and for each name what is said of them


async def read_facts(session: "ImapSession", uids: Sequence[int], names: Sequence[bytes]) -> AsyncIterator[Facts]:
    """Of rising UIDs, in their order, as many at a time as do not hold up the loop. Who is expunged may be left out."""
    store, mailbox = session.site.store, session.selected.mailbox
    told = 0  # so many of them
    for part, begin, end in _divided(uids, 0, len(uids), _PIECES * sortfact.SIZE):
        first = part * _PIECES
        is_worth = _is_worth(end - begin, _PIECES)
        kept = await store.scan(sortfact.read, mailbox, first, first + _PIECES - 1) if is_worth else {}
        for piece, start, stop in _divided(uids, begin, end, sortfact.SIZE) if kept else ():
            is_worth = piece in kept and _is_worth(stop - start, 1)
            found = _unpacked(kept[piece], uids[start:stop], names) if is_worth else None
            if found is not None:
                async for one in _from_rows(session, uids[told:start], names):
                    yield one
                yield found
                told = stop
        if end - told >= _BATCH:
            async for one in _from_rows(session, uids[told:end], names):
                yield one
            told = end
        await asyncio.sleep(0)
    async for one in _from_rows(session, uids[told:], names):
        yield one


async def read(session: "ImapSession", uids: Sequence[int], columns: tuple[str, ...]) -> AsyncIterator[Sequence[Row]]:
    """Rows of rising UIDs, as many at a time as do not hold up the loop; the UID is the first column."""
    for at in range(0, len(uids), _BATCH):
        ranges = from_sorted(uids[at : at + _BATCH])
        found = await session.site.store.scan(rows.wide, session.selected.mailbox, ranges, ("uid", *columns))
        if found:
            yield found
        await asyncio.sleep(0)


async def _from_rows(session: "ImapSession", uids: Sequence[int], names: Sequence[bytes]) -> AsyncIterator[Facts]:
    columns = columns_of(names)
    async for batch in read(session, uids, columns):
        told, *columned = zip(*batch, strict=True)
        by_name = dict(zip(columns, columned, strict=True))
        yield told, [facts(name, [by_name[c] for c in COLUMNS[name]]) for name in names]


# -- pieces --------------------------------------------------------------------------------------------------------


def _divided(uids: Sequence[int], at: int, end: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Where UIDs, from one place to another, go over from each `size` numbers to the next: which of these, and from
    where to where they are."""
    while at < end:
        number = uids[at] // size
        stop = bisect_left(uids, (number + 1) * size, at, end)
        yield number, at, stop
        at = stop


def _is_worth(wanted: int, pieces: int) -> bool:
    return wanted * _WORTH_UNPACKING >= pieces * sortfact.SIZE


def _unpacked(kept: tuple[Ranges, bytes], wanted: Sequence[int], names: Sequence[bytes]) -> Facts | None:
    """None where it says nothing of some of them."""
    ranges, packed = kept
    columns = [sortfact.unpack(packed, name) for name in names]
    if from_sorted(wanted) == ranges:
        return wanted, columns
    places = {uid: at for at, uid in enumerate(iterate(ranges))}
    try:
        picked = [places[uid] for uid in wanted]
    except KeyError:
        return None
    return wanted, [[column[at] for at in picked] for column in columns]
