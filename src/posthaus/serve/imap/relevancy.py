"""How well each message fits a fuzzy search: 100 for the one that fits best.

A word counts for more in a header than in a body, and its repetitions for less and less; what is rare is not weighed.

Standards: RFC 6203 §4, §5.
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from collections.abc import Sequence
from math import log1p
from operator import attrgetter
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.flow import textread
from posthaus.flow.textread import Outside, read_outside, text_of
from posthaus.mail.casemap import casemap
from posthaus.mail.stem import Query
from posthaus.mail.text import DIVIDER
from posthaus.mail.uidset import from_sorted
from posthaus.proto.imap import key
from posthaus.proto.imap.key import Key
from posthaus.serve.imap.view import View
from posthaus.store import search as rows

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_BATCH = 50  # messages read at once
_HEADER_WEIGHT = 3.0
BEST = 100

Scores = dict[int, int]  # by UID


async def scores(session: "ImapSession", view: View, search: Key, uids: Sequence[int]) -> Scores:
    """Of UIDs that rise. Where a text is gone, it is the least."""
    queries = _queries(search)
    found: dict[int, float] = {}
    for at in range(0, len(uids), _BATCH):
        for uid, text in (await _texts(session, view, uids[at : at + _BATCH])).items():
            is_long = len(text) > limit.SEARCH_INLINE_CHARACTERS
            found[uid] = await asyncio.to_thread(_weight, queries, text) if is_long else _weight(queries, text)
            await asyncio.sleep(0)
    best = max(found.values(), default=0.0) or 1.0
    return {uid: max(1, round(BEST * found.get(uid, 0.0) / best)) for uid in uids}


def _weight(queries: Sequence[Query], text: str) -> float:
    head, _, body = text.partition(DIVIDER)
    return sum(
        _HEADER_WEIGHT * log1p(h) + log1p(b)
        for query in queries
        for h, b in zip(query.counts(head), query.counts(body), strict=True)
    )


def _queries(search: Key) -> list[Query]:
    """What is looked for, not what must be absent."""
    if isinstance(search, key.And | key.Or):
        return [query for one in search.keys for query in _queries(one)]
    return [Query(casemap(search.key.text))] if isinstance(search, key.Fuzzy) else []


async def _texts(session: "ImapSession", view: View, uids: Sequence[int]) -> dict[int, str]:
    """Whole texts, kept or made."""
    site = session.site
    messages = dict(await site.store.scan(rows.wide, view.mailbox, from_sorted(uids), ("uid", "message")))
    kept = await site.index.texts(list(messages.values()))
    texts = {uid: kept[message] for uid, message in messages.items() if message in kept}
    missing = from_sorted([uid for uid in messages if uid not in texts])
    for uid, *row in await site.store.scan(rows.wide, view.mailbox, missing, ("uid", *textread.COLUMNS)):
        made = text_of(tuple(row))
        if isinstance(made, Outside):
            text = await read_outside(site.blobs, made)
            texts[uid] = await asyncio.to_thread(attrgetter("whole"), text)
        else:
            texts[uid] = made.whole
    return texts
