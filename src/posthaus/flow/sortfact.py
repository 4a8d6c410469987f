"""What SORT looks at is kept here, beside the mail: piece by piece of each mailbox, by one worker of all.

Every worker looks now and then whether a mailbox has a piece that has become whole, which is a read of some rows; who
finds one takes the lease, makes what is lacking and gives the lease back. It rests before each piece, and on while mail
comes in or its worker has much to do; not for ever. SORT does not wait for it: what is not kept is read from the
messages.

Standards: none.
Faults:    StoreDown, StoreFull, StoreBusy end a round and are logged; the next one goes on.
"""

import asyncio

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.flow.rest import rest
from posthaus.mail import sortfact as facts
from posthaus.mail import structure
from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.store import lease, search, sortfact
from posthaus.store.error import Locked
from posthaus.store.store import Store

_NAMES = (*facts.NUMBERS, *facts.TEXTS)
_COLUMNS = facts.columns_of(_NAMES)


async def run_sort_facts(store: Store, clock: Clock, chance: Chance, log: Log, owner: str) -> None:
    """Until cancelled."""
    keeper = Keeper(store, clock, owner)
    while True:
        await asyncio.sleep(limit.SORTFACT_EVERY_S * (0.5 + chance.octets(1)[0] / 256))  # not all workers at once
        try:
            await keeper.round()
            await keeper.clean()
        except Locked:
            pass
        except Trouble as e:
            log.warn("sortfact.trouble", fault=type(e).__name__, why=e)
        except Exception as e:
            log.defect("sortfact.defect", e)


class Keeper:
    """How far it has looked; what is lacking, the store says."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = f"{owner}/{lease.SORTFACT}"
        self._at = 0  # the mailbox looked at last
        self._renew_at = 0.0
        self._cleaned_at = clock.monotonic()
        self._later: dict[int, float] = {}  # mailboxes of which not all could be made: when to look again

    async def round(self) -> int:
        """Looks at some mailboxes, and makes what they lack; how many pieces."""
        self._at, lacking = await self._store.read(sortfact.lacking, self._at, limit.SORTFACT_LOOK_MAILBOXES)
        now = self._clock.monotonic()
        self._later = {mailbox: when for mailbox, when in self._later.items() if when > now}
        due = [one for one in lacking if one[0] not in self._later]
        if not due:
            return 0
        try:
            await self._hold()
            return sum([await self._mailbox(*one) for one in due])
        finally:
            await self._store.write(lease.release, lease.SORTFACT, self._owner)

    async def clean(self) -> int:
        """Forgets pieces of which most messages have gone, once in a while; how many."""
        now = self._clock.monotonic()
        if now - self._cleaned_at < limit.SORTFACT_CLEAN_S:
            return 0
        self._cleaned_at = now
        done, at = 0, (0, 0)
        while True:
            at, gone = await self._store.read(sortfact.thinned, at, limit.SORTFACT_LOOK_PIECES)
            if gone:
                await self._store.write(sortfact.forget, gone)
            done += len(gone)
            if at == (0, 0):
                return done
            await asyncio.sleep(limit.REST_LEAST_S)

    async def _mailbox(self, mailbox: int, pieces: int) -> int:
        made, worked_s = 0, limit.REST_LEAST_S
        self._later[mailbox] = self._clock.monotonic() + limit.SORTFACT_LATER_S  # unless all of it is made
        for piece in await self._store.read(sortfact.missing, mailbox, pieces):
            await rest(self._store, self._clock, worked_s, limit.REST_AGAIN_S, limit.SORTFACT_PATIENCE_S)
            begun = self._clock.monotonic()
            if begun >= self._renew_at:
                await self._hold()
            found = await self._made(mailbox, piece)
            if found is None:
                return made
            await self._store.write(sortfact.put, mailbox, piece, *found)
            made += 1
            worked_s = self._clock.monotonic() - begun
        del self._later[mailbox]
        return made

    async def _hold(self) -> None:
        now_ms = int(self._clock.now() * 1000)
        until_ms = now_ms + int(limit.SORTFACT_LEASE_S * 1000)
        await self._store.write(lease.take, lease.SORTFACT, self._owner, now_ms, until_ms)
        self._renew_at = self._clock.monotonic() + limit.SORTFACT_LEASE_S / 4

    async def _made(self, mailbox: int, piece: int) -> tuple[Ranges, bytes] | None:
        """UIDs and packed columns; None where another version of the scan is still to be replaced (flow/sweep.py)."""
        first = piece * sortfact.SIZE
        uids = [(first, first + sortfact.SIZE - 1)]
        rows = await self._store.scan(search.wide, mailbox, uids, ("uid", "version", *_COLUMNS))
        if any(row[1] != structure.VERSION for row in rows):
            return None
        if len(rows) < sortfact.FEWEST:
            return [], b""
        told, _, *columns = zip(*rows, strict=True)
        by_name = dict(zip(_COLUMNS, columns, strict=True))
        packed = []
        for name in _NAMES:
            await asyncio.sleep(0)
            packed.append(sortfact.pack(name, facts.facts(name, [by_name[c] for c in facts.COLUMNS[name]])))
        return from_sorted(told), sortfact.join(packed)
