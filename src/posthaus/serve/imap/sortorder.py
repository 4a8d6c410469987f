"""The order that the keys of SORT make of messages.

What the keys look at never changes, so a message that comes to a sorted list finds its place by bisection, and the
others keep theirs. What was put in order last is remembered (flow/orders.py): a part of it has that part of the order.

What is put in order at once holds the interpreter until it is done, also in a thread: so many messages are divided
first and put in order by pieces, with a breath in between.

Standards: RFC 5256 §2.2, §3; RFC 5957 §3; RFC 5255 §4.2 (i;unicode-casemap).
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from posthaus.flow.orders import Order
from posthaus.mail import uidset
from posthaus.mail.sortfact import COLUMNS, columns_of, facts
from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.proto.imap.command import SortKey
from posthaus.serve.imap.relevancy import Scores
from posthaus.serve.imap.sortread import read_facts
from posthaus.store import search as rows

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_IN_THREAD = 12_000  # messages; fewer are put in order at once, some 2 ms, for each way into a thread may be a wait
_PIECE = 20_000  # put in order without a breath: some 10 ms
_SAMPLE = 2_000  # looked at to divide more
_WORTH_PLACING = 500  # a place is found by as many reads as a bisection has steps; so many messages are read meanwhile
_WORTH_PICKING = 50  # of so many in order one is wanted; fewer are put in order by themselves

Keys = tuple[SortKey, ...]
T = TypeVar("T")


async def in_order(session: "ImapSession", keys: Keys, uids: Sequence[int], scores: Scores) -> Sequence[int]:
    """Rising UIDs in the order of the keys; what they say the same of stays in the order of the mailbox
    (RFC 5256 §3). Scores: where RELEVANCY is among the keys."""
    orders, mailbox = session.site.orders, session.selected.mailbox
    if any(key.name == b"RELEVANCY" for key in keys):
        return await _ordered(session, keys, uids, scores)
    wanted = await apart(len(uids), lambda: from_sorted(uids))
    kept = orders.order(mailbox, keys)
    if kept is not None and len(uids) * _WORTH_PICKING >= len(kept.ordered):
        new = uidset.subtract(wanted, kept.uids)
        if uidset.count(new) * _WORTH_PLACING <= len(kept.ordered):
            if new:
                kept = await _with_new(session, keys, kept, new)
                orders.keep(mailbox, keys, kept)
            return await _part(kept, wanted)
    ordered = array("I", await _ordered(session, keys, uids, scores))
    if kept is None or len(ordered) * 2 >= len(kept.ordered):
        orders.keep(mailbox, keys, Order(wanted, ordered))
    return ordered


async def _part(kept: Order, wanted: Ranges) -> Sequence[int]:
    if wanted == kept.uids:
        return kept.ordered

    def pick() -> list[int]:
        here = frozenset(uidset.iterate(wanted))
        return [uid for uid in kept.ordered if uid in here]

    return await apart(len(kept.ordered), pick)


async def _with_new(session: "ImapSession", keys: Keys, kept: Order, new: Ranges) -> Order:
    ordered = kept.ordered[:]
    for uid in uidset.iterate(new):
        at = await place(session, keys, ordered, uid)
        if at is not None:
            ordered.insert(at, uid)
    return Order(uidset.normalise([*kept.uids, *new]), ordered)


# -- putting in order ----------------------------------------------------------------------------------------------


async def _ordered(session: "ImapSession", keys: Keys, uids: Sequence[int], scores: Scores) -> Sequence[int]:
    found: list[int] = []
    values: list[list[Any]] = [[] for _ in keys]
    names = [key.name for key in keys if key.name != b"RELEVANCY"]
    async for told, columns in read_facts(session, uids, names):
        found += told
        by_name = dict(zip(names, columns, strict=True))
        for key, known in zip(keys, values, strict=True):
            if key.name == b"RELEVANCY":  # RFC 6203 §5: what fits best comes first
                known += [-scores.get(uid, 0) for uid in told]
            else:
                known += by_name[key.name]
    return await apart(len(found), lambda: _sorted(keys, values, found))


def _sorted(keys: Keys, values: Sequence[Sequence[Any]], uids: Sequence[int]) -> list[int]:
    order = list(range(len(uids)))
    for key, by in zip(reversed(keys), reversed(values), strict=True):
        order = in_pieces(order, by.__getitem__, reverse=key.is_reverse)
    return [uids[at] for at in order]


def in_pieces(order: list[int], by: Callable[[int], Any], *, reverse: bool) -> list[int]:
    """As sorted(). Many are first divided by values that some of them have, then each part is put in order."""
    if len(order) <= _PIECE:
        return sorted(order, key=by, reverse=reverse)
    some = sorted(map(by, order[:: len(order) // _SAMPLE]))
    edges = some[:: max(_SAMPLE * _PIECE // len(order) // 2, 1)]
    parts: list[list[int]] = [[] for _ in range(len(edges) + 1)]
    for at in order:
        parts[bisect_right(edges, by(at))].append(at)
    if reverse:
        parts.reverse()
    return [at for part in parts for at in sorted(part, key=by, reverse=reverse)]


async def apart(n: int, work: Callable[[], T]) -> T:
    """In a thread, where it is about many messages; n: how many, where each takes some tenth of a microsecond."""
    return work() if n < _IN_THREAD else await asyncio.to_thread(work)


# -- finding a place -----------------------------------------------------------------------------------------------


async def place(session: "ImapSession", keys: Sequence[SortKey], ordered: Sequence[int], uid: int) -> int | None:
    """The index at which a UID belongs into those that are in order; None where the message is gone."""
    own = await _ranks(session, keys, uid)
    if own is None:
        return None
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        other = await _ranks(session, keys, ordered[middle])
        at = middle
        while other is None and at > low:  # expunged, and the client does not know it yet: ask its neighbour
            at -= 1
            other = await _ranks(session, keys, ordered[at])
        if other is None:
            low = middle + 1
        elif _is_before(keys, own, other):
            high = at
        else:
            low = middle + 1
    return low


async def _ranks(session: "ImapSession", keys: Sequence[SortKey], uid: int) -> list[Any] | None:
    """The value of each key, and the UID."""
    names = [key.name for key in keys]
    columns = columns_of(names)
    found = await session.site.store.read(rows.wide, session.selected.mailbox, [(uid, uid)], columns)
    if not found:
        return None
    values = dict(zip(columns, found[0], strict=True))
    found_by = [facts(name, [(values[c],) for c in COLUMNS[name]])[0] for name in names]
    return [*found_by, uid]


def _is_before(keys: Sequence[SortKey], one: Sequence[Any], other: Sequence[Any]) -> bool:
    for key, a, b in zip(keys, one, other, strict=False):
        if a != b:
            return bool(a < b) != key.is_reverse
    return bool(one[-1] < other[-1])
