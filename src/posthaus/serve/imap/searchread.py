"""What SEARCH reads beyond the narrow rows: fields, headers and bodies, in pieces that do not hold up the loop.

Standards: RFC 9051 §6.4.4.
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from posthaus.flow.site import Site
from posthaus.mail import structure
from posthaus.mail.structure import Part
from posthaus.mail.uidset import from_sorted
from posthaus.serve.imap.searchmatch import Judge, Level, Plan
from posthaus.serve.imap.searchtext import Cut, Facts, Head, Words, leaves, parts
from posthaus.store import search as rows
from posthaus.store.blob import unpack
from posthaus.store.tx import Row

_COLUMNS = {
    Level.FACTS: ("uid", "fields", "field_index", "sent_at"),
    Level.HEAD: ("uid", "prefix", "head"),
    Level.WORDS: ("uid", "structure", "prefix", "head", "body", "packing", "place"),
}
_FACTS_ROWS, _HEAD_ROWS, _BODY_ROWS = 500, 200, 100
_BODY_OCTETS = 256 * 1024


async def judged(site: Site, mailbox: int, plan: Plan, judge: Judge, batch: Sequence[Row]) -> list[Row]:
    """The rows of those that match, in their order; each with the narrow columns at its beginning."""
    found: list[Row] = []
    left: list[Row] = []
    for row in batch:
        says = judge(row)
        if says:
            found.append(row)
        elif says is None:
            left.append(row)
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
    for piece in _pieces(plan, level, left):
        uids = from_sorted([row[0] for row in piece])
        values = {row[0]: row for row in await site.store.read(rows.wide, mailbox, uids, _COLUMNS[level])}
        for row in piece:
            more = values.get(row[0])
            if more is None:
                continue  # expunged since the narrow rows were read
            longer = (*row, await _value(site, level, more))
            if level is Level.WORDS and more[-1]:
                says = await asyncio.to_thread(judge, longer)  # megabytes, perhaps
            else:
                says = judge(longer)
            if says:
                found.append(longer)
            elif says is None:
                still.append(longer)
        await asyncio.sleep(0)
    return still


def _pieces(plan: Plan, level: Level, left: Sequence[Row]) -> Iterator[Sequence[Row]]:
    if level is not Level.WORDS:
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


async def _value(site: Site, level: Level, row: Row) -> Any:
    if level is Level.FACTS:
        return Facts(*row[1:])
    if level is Level.HEAD:
        return Head(row[1] + row[2])
    _, packed, prefix, head, body, packing, place = row
    root = structure.unpack(packed)
    cut = await _outside(site, root, head, place) if place else _inside(head, unpack(body, packing))
    return Words(root, prefix + head, cut)


def _inside(head: bytes, body: bytes) -> Cut:
    n = len(head)

    def cut(start: int, end: int) -> bytes:
        if start >= n:
            return body[start - n : end - n]
        return head[start:end] if end <= n else head[start:] + body[: end - n]

    return cut


async def _outside(site: Site, root: Part, head: bytes, place: str) -> Cut:
    """Reads what SEARCH looks at, and not the attachments."""
    n = len(head)
    spans = [(part.body_start, part.body_end) for part in leaves(root)]
    spans += [(part.header_start, part.body_start) for part in parts(root) if part is not root]
    octets: dict[tuple[int, int], bytes] = {}
    for start, end in spans:
        inner = head[start:end]  # all within the body but for odd mail
        first = max(start, n)
        if end > first:
            inner += await site.blobs.read(place, first - n, end - n)
        octets[start, end] = inner
    return lambda start, end: octets[start, end]
