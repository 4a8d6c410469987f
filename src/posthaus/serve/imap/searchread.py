"""What SEARCH reads beyond the narrow rows: fields, headers and bodies, in pieces that do not hold up the loop.

Standards: RFC 9051 §6.4.4.
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from posthaus.base import limit
from posthaus.flow import textread
from posthaus.flow.site import Site
from posthaus.flow.textread import Outside, read_outside, text_of
from posthaus.mail.text import Kept
from posthaus.mail.uidset import from_sorted
from posthaus.serve.imap.searchmatch import Judge, Level, Plan
from posthaus.serve.imap.searchtext import Facts, Head
from posthaus.store import search as rows
from posthaus.store.tx import Row

_COLUMNS = {
    Level.FACTS: ("uid", "fields", "field_index", "sent_at"),
    Level.HEAD: ("uid", "prefix", "head"),
    Level.TEXT: ("uid", *textread.COLUMNS),
}
_FACTS_ROWS, _HEAD_ROWS, _BODY_ROWS = 500, 200, 100
_BODY_OCTETS = 256 * 1024


class _Turn:
    """How long we hold the loop: a SEARCH of a thousand keys takes long for a single row."""

    __slots__ = ("_ends", "_monotonic")

    def __init__(self, site: Site) -> None:
        self._monotonic = site.clock.monotonic
        self._ends = self._monotonic() + limit.TURN_S

    def is_over(self) -> bool:
        """If so, others are let in, and the next one begins."""
        now = self._monotonic()
        if now < self._ends:
            return False
        self._ends = now + limit.TURN_S
        return True


async def judged(site: Site, mailbox: int, plan: Plan, judge: Judge, batch: Sequence[Row]) -> list[Row]:
    """The rows of those that match, in their order; each with the narrow columns at its beginning."""
    found: list[Row] = []
    left: list[Row] = []
    turn = _Turn(site)
    for row in batch:
        says = judge(row)
        if says:
            found.append(row)
        elif says is None:
            left.append(row)
        if turn.is_over():
            await asyncio.sleep(0)
    if not left:
        return found
    for level in plan.levels:
        left = await _judge_level(site, mailbox, plan, level, judge, left, found)
    found.sort(key=_uid)
    return found


def _uid(row: Row) -> int:
    return row[0]  # type: ignore[no-any-return]


async def _judge_level(
    site: Site, mailbox: int, plan: Plan, level: Level, judge: Judge, left: Sequence[Row], found: list[Row]
) -> list[Row]:
    """Asks again with one level more; what is still open comes back."""
    still: list[Row] = []
    turn = _Turn(site)
    for piece in _pieces(plan, level, left):
        values = await _values(site, mailbox, plan, level, piece)
        for row in piece:
            value = values.get(row[0])
            if value is None:
                continue  # expunged since the narrow rows were read
            if isinstance(value, Outside):
                longer = (*row, await read_outside(site.blobs, value))
                says = await asyncio.to_thread(judge, longer)  # megabytes, perhaps
            else:
                longer = (*row, value)
                is_long = isinstance(value, Kept) and len(value.whole) > limit.SEARCH_INLINE_CHARACTERS
                says = await asyncio.to_thread(judge, longer) if is_long else judge(longer)
            if says:
                found.append(longer)
            elif says is None:
                still.append(longer)
            if turn.is_over():
                await asyncio.sleep(0)
        await asyncio.sleep(0)
    return still


async def _values(site: Site, mailbox: int, plan: Plan, level: Level, piece: Sequence[Row]) -> dict[int, Any]:
    """What the judge looks at, by UID; texts that are kept need not be made again."""
    found: dict[int, Any] = {}
    if level is Level.TEXT:
        at = plan.columns.index("message")
        kept = await site.index.texts([row[at] for row in piece])
        found = {row[0]: Kept(kept[row[at]]) for row in piece if row[at] in kept}
    uids = from_sorted([row[0] for row in piece if row[0] not in found])
    if uids:
        read = await site.store.scan(rows.wide, mailbox, uids, _COLUMNS[level])
        found.update({row[0]: _value(level, row) for row in read})
    return found


def _pieces(plan: Plan, level: Level, left: Sequence[Row]) -> Iterator[Sequence[Row]]:
    if level is not Level.TEXT:
        most = _FACTS_ROWS if level is Level.FACTS else _HEAD_ROWS
        for at in range(0, len(left), most):
            yield left[at : at + most]
        return
    size = plan.columns.index("size")
    piece: list[Row] = []
    octets = 0
    for row in left:
        if piece and (octets + row[size] > _BODY_OCTETS or len(piece) >= _BODY_ROWS):
            yield piece
            piece, octets = [], 0
        piece.append(row)
        octets += row[size]
    if piece:
        yield piece


def _value(level: Level, row: Row) -> Any:
    if level is Level.FACTS:
        _, fields, index, sent_at = row
        return Facts(fields, index, sent_at)
    if level is Level.HEAD:
        return Head(row[1] + row[2])
    return text_of(row[1:])
