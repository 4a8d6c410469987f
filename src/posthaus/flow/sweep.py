"""The sweep: what is past its horizon goes, old bodies are packed, mail of an older scan is scanned again.

One worker of all nodes does it at a time, under a lease. It goes in pieces of a few milliseconds, each a write of its
own, and rests after each as long as it took, so that mail is never kept waiting. What a crash leaves is found by the
next round: every piece asks anew what there is to do.

Standards: RFC 7162 §3.2.10 (how long expunges are remembered is ours to say).
Faults:    Locked (another worker sweeps); StoreBusy, StoreFull, StoreDown.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields

from posthaus.base import limit
from posthaus.base.chance import SystemChance
from posthaus.base.clock import Clock
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.base.setting import StoreSetting
from posthaus.flow import ingest
from posthaus.mail.structure import VERSION
from posthaus.store import blob, lease, mark, purge, queue, record, rescan, sending, suppression, tlsreport
from posthaus.store.blob import BlobStore
from posthaus.store.error import Locked, NoSuchMessage
from posthaus.store.store import Store
from posthaus.store.tx import Tx


@dataclass(slots=True)
class Counts:
    """What a round did, in rows."""

    accounts: int = 0
    mailboxes: int = 0
    emails: int = 0
    tombstones: int = 0
    changes: int = 0
    blobs: int = 0  # octets outside that were unlinked
    packed: int = 0
    rescanned: int = 0
    records: int = 0
    suppressions: int = 0
    tls_reports: int = 0  # that came in
    correspondents: int = 0
    destinations: int = 0  # of the queue
    leases: int = 0

    @property
    def any(self) -> bool:
        return any(getattr(self, f.name) for f in fields(self))


async def sweep_once(
    store: Store,
    blobs: BlobStore,
    clock: Clock,
    settings: StoreSetting,
    *,
    owner: str = "",
    packed: "Packed | None" = None,
) -> Counts:
    """One whole round; Locked where another worker is at it. owner: this worker's name for its leases."""
    round_ = _Round(store, blobs, clock, settings, owner or f"sweep/{SystemChance().name(16)}", packed or Packed())
    await round_.hold()
    try:
        return await round_.run()
    finally:
        await store.write(lease.release, lease.SWEEP, round_.owner)


async def run_sweep(
    store: Store,
    blobs: BlobStore,
    clock: Clock,
    settings: StoreSetting,
    log: Log,
    *,
    owner: str = "",
    every_s: float = limit.SWEEP_EVERY_S,
) -> None:
    """Round after round, until cancelled."""
    owner = owner or f"sweep/{SystemChance().name(16)}"
    packed = Packed()
    while True:
        await asyncio.sleep(every_s * (0.5 + SystemChance().octets(1)[0] / 256))  # not all workers at once
        try:
            counts = await sweep_once(store, blobs, clock, settings, owner=owner, packed=packed)
            if counts.any:
                log.event("sweep.done", **{f.name: getattr(counts, f.name) for f in fields(counts)})
        except Locked:
            pass
        except Trouble as e:
            log.warn("sweep.trouble", fault=type(e).__name__, why=e)
        except Exception as e:
            log.defect("sweep.defect", e)


@dataclass(slots=True)
class Packed:
    """How far packing has come, from round to round."""

    to: int = 0


class _Round:
    """One round and its lease."""

    def __init__(
        self, store: Store, blobs: BlobStore, clock: Clock, settings: StoreSetting, owner: str, packed: Packed
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._settings = settings
        self.owner = owner
        self._packed = packed
        self._renew_at = 0.0

    async def hold(self) -> None:
        now_ms = int(self._clock.now() * 1000)
        until_ms = now_ms + int(limit.SWEEP_LEASE_S * 1000)
        await self._store.write(lease.take, lease.SWEEP, self.owner, now_ms, until_ms)
        self._renew_at = self._clock.monotonic() + limit.SWEEP_LEASE_S / 4

    async def run(self) -> Counts:
        now = int(self._clock.now())
        # a second more, so that "kept for 0 s" means now and not in a second
        octets = now - int(self._settings.keep_octets) + (self._settings.keep_octets < 1)
        traces = now - limit.KEEP_TOMBSTONES_S
        return Counts(
            accounts=await self._all(purge.removed_accounts, now),
            mailboxes=await self._all(purge.removed_mailboxes, now),
            emails=await self._all(purge.emails, octets),
            tombstones=await self._all(purge.tombstones, traces),
            changes=await self._all(purge.changes, traces),
            blobs=await self._unlink(now - limit.KEEP_PENDING_S),
            packed=await self._pack(now - blob.PACK_WHEN_S),
            rescanned=await self._rescan(),
            records=await self._all(record.forget, now - limit.KEEP_RECORD_S),
            suppressions=await self._all(suppression.forget, now - limit.SUPPRESSION_FORGET_S),
            tls_reports=await self._all(tlsreport.forget, now - limit.TLSRPT_KEEP_S),
            correspondents=await self._correspondents(now),
            destinations=await self._all(queue.forget_destinations, now - limit.QUEUE_KEEP_DESTINATION_S),
            leases=await self._store.write(lease.sweep, now * 1000),
        )

    async def _all(self, piece: Callable[[Tx, int, int], Awaitable[int]], when: int) -> int:
        done = 0
        while n := await self._gently(self._store.write(piece, when, limit.SWEEP_ROWS)):
            done += n
        return done

    async def _gently(self, piece: Awaitable[int]) -> int:
        """Runs a piece, then rests as long as it took."""
        begun = self._clock.monotonic()
        n = await piece
        spent = self._clock.monotonic() - begun
        if n:
            await asyncio.sleep(min(spent, 1.0))
        if self._clock.monotonic() >= self._renew_at:
            await self.hold()
        return n

    async def _unlink(self, pending_before: int) -> int:
        done = 0
        while n := await self._gently(self._unlink_some(pending_before)):
            done += n
        return done

    async def _unlink_some(self, pending_before: int) -> int:
        """Octets first, then their rows: see store/blob.py."""
        found = await self._store.write(blob.unnamed, pending_before, limit.SWEEP_ROWS)
        for _, key in found:
            await self._blobs.remove(key)
        if found:
            await self._store.write(blob.forget, [b for b, _ in found])
        return len(found)

    async def _pack(self, before: int) -> int:
        """Ids rise with time, so what was looked through once is not looked through again by this worker."""
        done, at, last = 0, self._packed.to, await self._store.read(blob.last)
        while at < last:
            end = min(at + limit.SWEEP_PACK_IDS, last)
            rows = await self._store.scan(blob.unpacked, at + 1, end, limit.SWEEP_ROWS)
            old = [(b, *blob.pack(body)) for b, created, body in rows if created < before]
            if old:
                await self._gently(self._put_packed(old))
                done += len(old)
            if len(old) < len(rows):  # the first that is too young, and all after it
                at = rows[len(old)][0] - 1
                break
            at = rows[-1][0] if len(rows) == limit.SWEEP_ROWS else end
            await asyncio.sleep(0)
        self._packed.to = at
        return done

    async def _put_packed(self, packed: list[tuple[int, bytes, int]]) -> int:
        await self._store.write(blob.put_packed, packed)
        return len(packed)

    async def _correspondents(self, now: int) -> int:
        """All of them are looked through, so once a day is enough."""
        name, day = "correspondents", now // 86_400
        if await self._store.read(mark.read, name) == day:
            return 0
        done, at = 0, (0, "")
        while found := await self._store.read(sending.correspondents, at, limit.SWEEP_ROWS):
            before = now - limit.KEEP_CORRESPONDENT_S
            if any(one.written < before for one in found):
                done += await self._gently(self._store.write(sending.forget_correspondents, before, found))
            at = found[-1].account, found[-1].address
            await asyncio.sleep(0)
        await self._store.write(mark.put, name, day)
        return done

    async def _rescan(self) -> int:
        """Messages that another version of the scan prepared. What was looked through once is marked in the store."""
        name = f"scan/{VERSION}"
        done, at = 0, await self._store.read(mark.read, name)
        last = await self._store.read(rescan.last)
        while at < last:
            end = min(at + limit.SWEEP_RESCAN_IDS, last)
            for message in await self._store.read(rescan.outdated, VERSION, at + 1, end):
                done += await self._gently(self._rescan_one(message))
            at = end
            await self._store.write(mark.put, name, at)
        return done

    async def _rescan_one(self, message: int) -> int:
        try:
            octets = await self._store.read(blob.octets, message)
        except NoSuchMessage:
            return 0
        head = octets.head
        if octets.place:
            size = octets.size - len(octets.prefix) - len(head)
            body = await self._blobs.read(octets.place, 0, size)
        else:
            body = blob.unpack(octets.body, octets.packing)
        prepared = await ingest.prepare(head + body)
        return await self._store.write(rescan.renew, message, prepared)
