"""The index of texts is made here, after the 250: message by message, by one worker of all, in pieces.

A piece is a few messages; then it rests, and goes on when this worker has nothing else to do and no mail comes in, or
when two seconds have passed, so that mail is never kept waiting for the index. A search does not wait for it either:
what is not in yet is read (serve/imap/searchread.py). What is in but gone from the store is taken out now and then. A
crash repeats a piece.

Standards: none.
Faults:    StoreDown, StoreFull, StoreBusy end a round and are logged; the next one goes on.
"""

import asyncio
from collections import deque

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.flow.rest import rest
from posthaus.flow.textread import Outside, read_outside, text_of
from posthaus.store import textsource
from posthaus.store.blob import BlobStore
from posthaus.store.store import Store
from posthaus.store.textindex import Entry, TextIndex
from posthaus.store.tx import Row


async def run_index(store: Store, blobs: BlobStore, index: TextIndex, clock: Clock, log: Log) -> None:
    """Until cancelled."""
    indexer = Indexer(store, blobs, index, clock)
    while True:
        try:
            if await index.own():
                await indexer.round()
                await indexer.clean()
        except Trouble as e:
            log.warn("index.trouble", fault=type(e).__name__, why=e)
        except Exception as e:
            log.defect("index.defect", e)
        await asyncio.sleep(limit.INDEX_EVERY_S)


class Indexer:
    """Who adds. It knows what it has seen, and nothing that the index and the store do not say again."""

    def __init__(self, store: Store, blobs: BlobStore, index: TextIndex, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._index = index
        self._clock = clock
        self._looks: deque[tuple[float, int]] = deque()  # when, and the highest id then
        self._cleaned_at = clock.monotonic()

    async def round(self) -> int:
        """Adds what is there; how many messages."""
        added = 0
        upto = await self._index.upto()
        there = set(await self._index.kept(upto, limit.INDEX_LOOK_IDS))
        while True:
            most = min(len(there) + limit.INDEX_PIECE, limit.INDEX_LOOK_IDS)  # a piece, and what is in beyond `upto`
            ids = await self._store.read(textsource.ids, upto, most)
            if not ids:
                return added
            missing = [message for message in ids if message not in there]
            safe = self._safe(ids[-1])
            if not missing and safe <= upto:
                return added
            begun = self._clock.monotonic()
            if not added:
                await self._rest(limit.REST_LEAST_S)
            piece, entries = await self._piece(missing[: limit.INDEX_PIECE])
            left = missing[len(piece) :]
            upto = max(min(safe, left[0] - 1 if left else ids[-1]), upto)
            await self._index.add(entries, upto)
            there = {message for message in (*there, *piece) if message > upto}
            added += len(piece)
            await self._rest(self._clock.monotonic() - begun)

    async def _rest(self, worked_s: float) -> None:
        await rest(self._store, self._clock, worked_s, limit.REST_AGAIN_S, limit.INDEX_PATIENCE_S)

    def _safe(self, last: int) -> int:
        """No message with an id up to this one can still appear."""
        now = self._clock.monotonic()
        self._looks.append((now, last))
        while len(self._looks) > 1 and self._looks[1][0] <= now - self._index.late_s:
            self._looks.popleft()
        when, seen = self._looks[0]
        return seen if when <= now - self._index.late_s else 0

    async def _piece(self, messages: list[int]) -> tuple[list[int], list[Entry]]:
        """The first of these messages, as many as may be in memory together, and what is added of them."""
        entries: list[Entry] = []
        characters = 0
        for message, accounts, row in await self._store.scan(textsource.read, messages):
            text = await self._text(row)
            characters += len(text or "")
            if entries and characters > limit.INDEX_PIECE_CHARACTERS:
                return [one for one in messages if one < message], entries
            entries.append(Entry(message, accounts, text))
            await asyncio.sleep(0)
        return messages, entries

    async def _text(self, row: Row) -> str | None:
        made = text_of(row)
        if made.size > limit.INDEX_TEXT_OCTETS:
            return None
        text = await read_outside(self._blobs, made) if isinstance(made, Outside) else made
        if isinstance(made, Outside):
            whole = await asyncio.to_thread(lambda: text.whole)  # megabytes, perhaps
        else:
            whole = text.whole
        return whole if len(whole) <= limit.INDEX_TEXT_CHARACTERS else None

    async def clean(self) -> int:
        """Takes out what the store has no more, once in a while; how many."""
        now = self._clock.monotonic()
        if now - self._cleaned_at < limit.INDEX_CLEAN_S:
            return 0
        self._cleaned_at = now
        gone = 0
        at = 0
        while kept := await self._index.kept(at, limit.INDEX_LOOK_IDS):
            absent = await self._store.read(textsource.absent, kept)
            if absent:
                await self._index.forget(absent)
            gone += len(absent)
            at = kept[-1]
            await asyncio.sleep(0)
        return gone
