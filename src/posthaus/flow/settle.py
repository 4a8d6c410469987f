"""The end of an errand: what became of it, the notification that is owed, and the record, in one commit.

Until that commit has returned, the next host may have the message and we still have it, too: after a crash it is sent
once more. So nobody gives up here as long as the worker lives. While the store cannot be written the load is held, and
where there is no room for notifications all that owes none is settled first.

Standards: RFC 5321 §4.2.5 and §6.1.
Faults:    Refusal where a mailbox of ours is gone that was there a moment ago; nothing is settled then.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.error import Refusal, Trouble
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.base.value import value
from posthaus.flow import pace
from posthaus.flow.bounce import Bouncer, Report
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import load as loads
from posthaus.store import message
from posthaus.store.error import StoreFull
from posthaus.store.load import Claim, Load, Settled
from posthaus.store.message import Content, Placing
from posthaus.store.queue import Parcel
from posthaus.store.store import Store
from posthaus.store.tx import Tx


@value
class Done:
    """What became of errands of one parcel. `keeping`: to be kept here in the same commit. is_warning: nothing was
    tried, and the sender is told that it takes long. is_silent: nobody is told of anything."""

    parcel: Parcel
    settled: tuple[Settled, ...]
    keeping: tuple[tuple[Content, Placing], ...] = ()
    is_warning: bool = False
    is_silent: bool = False


class Settler:
    """Of one worker."""

    def __init__(
        self,
        store: Store,
        bouncer: Bouncer,
        clock: Clock,
        log: Log,
        metric: Metric,
        on_suspect: Callable[[Iterable[Outcome]], None],
    ) -> None:
        """on_suspect: is told at once what came of hosts that were not known to work."""
        self._store = store
        self._bouncer = bouncer
        self._clock = clock
        self._log = log
        self._metric = metric
        self._on_suspect = on_suspect
        self.gives_up = False  # the worker ends: nothing is tried again
        self._in_turn = asyncio.Lock()

    async def settle(
        self, load: Load, done: Sequence[Done], untried: Sequence[Settled] = (), *, ends: bool, most: int = 0
    ) -> tuple[Claim, ...] | None:
        """What the load has next; None where it had run out and nothing was settled. ends: all of it is settled now.
        most: then it may go on with so many errands."""
        if load.is_suspect:
            self._on_suspect([r.outcome for d in done for r in d.settled if r.outcome is not None])
        reports: list[tuple[Report, Done]] = []
        for d in done:
            while (report := await self._report(d)) is None:
                if self.gives_up:
                    return None
                await asyncio.sleep(limit.QUEUE_SETTLE_AGAIN_S)
            reports.append((report, d))
        if not _is_patient(done):
            return await self._write(load, reports, untried, ends, most)
        async with self._in_turn:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            more = await self._write(load, reports, untried, ends, most)
            if not self.gives_up:
                await asyncio.sleep(min((loop.time() - begun) * limit.QUEUE_PATIENT_REST, limit.QUEUE_SETTLE_AGAIN_S))
            return more

    async def _write(
        self,
        load: Load,
        reports: list[tuple[Report, Done]],
        untried: Sequence[Settled] = (),
        ends: bool = False,
        most: int = 0,
    ) -> tuple[Claim, ...] | None:
        """One commit, where nothing is in its way."""
        is_again = False
        while True:
            try:
                more = await self._store.write(self._commit, load, reports, untried, ends, most, is_again)
            except StoreFull as trouble:
                owing = [pair for pair in reports if pair[0].notice is not None or pair[1].keeping]
                self._log.warn("queue.not-settled", fault="StoreFull", why=trouble, owing=len(owing))
                if 0 < len(owing) < len(reports):
                    free = [pair for pair in reports if pair not in owing]
                    try:
                        if await self._store.write(self._commit, load, free, (), False, 0, is_again) is None:
                            return None
                    except Trouble as again:
                        is_again = True
                        self._log.warn("queue.not-settled", fault=type(again).__name__, why=again)
                    else:
                        self._tell(load, [d for _, d in free])
                        reports = owing
            except Refusal as refusal:  # a mailbox of ours went away: the recipient's, or that of a notification
                if any(d.keeping for _, d in reports) or not any(report.notice for report, _ in reports):
                    raise
                if len(reports) > 1:  # each by itself, so that nobody else goes without his notification
                    for pair in reports:
                        if await self._write(load, [pair]) is None:
                            return None
                    reports = []
                    continue
                ((report, d),) = reports
                self._log.warn("queue.nobody-told", fault=type(refusal).__name__, tid=d.parcel.tid)
                reports = [(replace(report, notice=None), d)]  # the record stays
                continue
            except Trouble as trouble:
                is_again = True
                self._log.warn("queue.not-settled", fault=type(trouble).__name__, why=trouble)
            else:
                if more is None:
                    self._log.warn("queue.load-lost", destination=load.destination)
                else:
                    self._tell(load, [d for _, d in reports])
                return more
            if self.gives_up:
                return None
            await asyncio.sleep(limit.QUEUE_SETTLE_AGAIN_S)

    async def _report(self, done: Done) -> Report | None:
        """None: it cannot be made just now. One that can never be made must not keep the others from being settled."""
        try:
            return await self._bouncer.report(done.parcel, done.settled, is_warning=done.is_warning)
        except Trouble as trouble:
            self._log.warn("queue.not-settled", fault=type(trouble).__name__, why=trouble)
            return None
        except Exception as exc:
            self._log.defect("queue.report-defect", exc, tid=done.parcel.tid)
            tried = () if done.is_warning else tuple(r for r in done.settled if r.outcome is not None)
            return Report(done.parcel, tried, None)

    async def _commit(
        self,
        tx: Tx,
        load: Load,
        reports: Sequence[tuple[Report, Done]],
        untried: Sequence[Settled],
        ends: bool,
        most: int,
        is_again: bool,
    ) -> tuple[Claim, ...] | None:
        """is_again: it may have been kept before, where the database went away in the moment of COMMIT."""
        now = int(self._clock.now())
        if not await loads.renew(tx, load.id, now + limit.QUEUE_LEASE_S):
            return None
        if is_again:
            reports = [pair for pair in reports if await loads.has(tx, load, pair[1].settled[0].errand)]
            untried = [r for r in untried if await loads.has(tx, load, r.errand)]
            if not reports and not untried:
                if ends:  # and nobody knows what it has claimed
                    await loads.give_back(tx, load)
                return None if ends else ()
        for _, done in reports:
            for content, placing in done.keeping:
                await message.deliver(tx, content, [placing], now)
        for report, done in reports:
            if not done.is_silent:
                await self._bouncer.write(tx, report, now)
        results = [_untried(r) if done.is_warning else r for _, done in reports for r in done.settled]
        outcomes = [r.outcome for r in results if r.outcome is not None]
        goes_on = ends and most > 0
        await loads.settle(
            tx, load, [*results, *untried], now, lambda before: pace.after(before, outcomes, now),
            ends=ends and not goes_on, told=[done.parcel.id for _, done in reports if done.is_warning],
        )  # fmt: skip
        if not goes_on:
            return ()
        more = await loads.claim_more(tx, load, now, most)
        if not more:
            await loads.end(tx, load)
        return more

    def _tell(self, load: Load, done: Sequence[Done]) -> None:
        for d in done:
            for r in d.settled:
                if r.outcome is None:
                    continue
                name = "warned" if d.is_warning else "dropped" if d.is_silent else r.outcome.kind.value
                self._metric.count(f"queue.{name}")
                one = r.outcome
                self._log.event(
                    f"queue.{name}",
                    tid=d.parcel.tid,
                    to=r.errand.recipient.address,
                    host=one.host,
                    code=one.code,
                    status=one.status,
                    said=one.text if one.kind is not Kind.RELAYED else "",
                    tls=one.tls,
                )


def _is_patient(done: Sequence[Done]) -> bool:
    """Nobody waits for it: a host did not work. Hundreds of those that end together would keep the store busy for a
    second, and mail that comes in meanwhile would wait for all of them."""
    return bool(done) and all(
        r.outcome is not None and r.outcome.kind is Kind.DEFERRED and r.outcome.blames_host
        for d in done
        for r in d.settled
    )


def _untried(settled: Settled) -> Settled:
    return replace(settled, outcome=None)
