"""Carrying a load: over one connection as far as it goes, one parcel after the other, each settled soon.

When all is settled, the same commit claims what else has come for that destination, so a connection is used as long as
there is mail for it; then it waits a moment for the next load. Mail that requires TLS on its whole way has a connection
of its own, for not every host will do.

Standards: RFC 5321 §4.5.4.1, RFC 8689 §4.2 and §5.
Faults:    none; what goes wrong is an Outcome, a line of the log, or both.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow import late, pace
from posthaus.flow.handover import Boarding, Handed
from posthaus.flow.hop import NextHop
from posthaus.flow.settle import Done, Settler
from posthaus.flow.site import Site
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import load as loads
from posthaus.store import queue
from posthaus.store.blob import Octets
from posthaus.store.load import Claim, Load, Settled
from posthaus.store.message import Content, Placing
from posthaus.store.queue import LOCAL, Errand, Parcel


class Link(Protocol):
    """An open connection; flow/link.py."""

    @property
    def is_usable(self) -> bool: ...

    async def send(self, parcel: Parcel, errands: Sequence[Errand], octets: Octets) -> list[Outcome]:
        """One for each errand, in their order."""
        ...

    async def close(self) -> None: ...

    def abort(self) -> None:
        """At once, without a word."""
        ...


class Relay(Protocol):
    """flow/relay.py."""

    async def open(self, hop: NextHop, *, requiretls: bool = False) -> Link | Outcome: ...


class NextHops(Protocol):
    """flow/nexthop.py."""

    async def find(self, destination: str, domain: str) -> NextHop | Outcome: ...


_OURS = Outcome(Kind.DEFERRED, 0, "4.3.0", "an error of our own")


@dataclass(slots=True)
class _Trip:
    """A load on its way. Both tables by whether REQUIRETLS is wanted."""

    load: Load
    boarding: Boarding
    rung: asyncio.Event  # there may be more to carry
    links: dict[bool, Link] = field(default_factory=dict)
    closed: dict[bool, Outcome] = field(default_factory=dict)  # no connection, and why
    parcels: int = 0
    settling: "asyncio.Task[tuple[Claim, ...] | None] | None" = None


class Carrier:
    """Of one worker."""

    def __init__(
        self, site: Site, nexthops: NextHops, relay: Relay, settler: Settler, may_go_on: Callable[[], bool]
    ) -> None:
        """may_go_on: no other destination waits for its turn, and nobody wants to stop."""
        self._site = site
        self._nexthops = nexthops
        self._relay = relay
        self._settler = settler
        self._may_go_on = may_go_on
        self._idle = IdleLinks()
        self._trips: list[_Trip] = []
        self.is_stopping = False

    async def carry(self, load: Load) -> None:
        """To its end."""
        rung = asyncio.Event()
        trip = _Trip(load, Boarding(load.id, load.destination, rung.set), rung)
        claims: tuple[Claim, ...] = load.claims
        self._trips.append(trip)
        try:
            while claims:
                claims = await self._batch(trip, claims)
        except BaseException:  # cancelled, because time is up
            for link in trip.links.values():
                link.abort()
            raise
        finally:
            self._site.handover.shut(trip.boarding)
            self._trips.remove(trip)
        over = [
            link
            for secret, link in trip.links.items()
            if secret or self.is_stopping or not link.is_usable or not self._idle.put(load.destination, link)
        ]
        try:
            for link in over:
                await link.close()
        except BaseException:  # there is no time for their last words
            for link in over:
                link.abort()
            raise

    async def close(self) -> None:
        await self._idle.close()

    async def _batch(self, trip: _Trip, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """What comes next. The host does not wait for our disk: while some are being settled the next ones are sent.
        Once it has taken one, others come from sessions of ours; after some time what waits has its turn."""
        boarding, waiting = trip.boarding, trip.boarding.waiting
        waiting.extend(map(Handed, claims))
        left = len(claims) + limit.QUEUE_ERRANDS_PER_LOAD
        done: list[Done] = []
        began = since = self._site.clock.monotonic()
        goes_on = True
        try:
            while goes_on:
                is_time = len(done) >= limit.QUEUE_SETTLE_PARCELS or self._spent(since) >= limit.QUEUE_SETTLE_S
                if not waiting and not is_time and await self._something_comes(trip, since):
                    continue
                if not waiting and not (done and boarding.was_used):
                    break
                if done and (not waiting or is_time or done[-1].keeping):
                    if not await self._settled_aside(trip):
                        return ()
                    trip.settling = asyncio.get_running_loop().create_task(self._settle(trip, done))
                    done, since, boarding.was_used = [], self._site.clock.monotonic(), False
                if waiting:
                    begun = self._site.clock.monotonic()
                    done.append(one := await self._one(trip, waiting[0]))
                    waiting.popleft()
                    trip.parcels, left = trip.parcels + 1, left - 1
                    boarding.is_quick = self._spent(begun) < limit.QUEUE_QUICK_S
                    goes_on = not self.is_stopping and not (trip.links and _blames_host(one))
                    has_time = left > 0 or self._spent(began) < limit.QUEUE_BATCH_S
                    self._board(trip, is_open=goes_on and has_time)
            self._board(trip, is_open=False)
            while boarding.reserved:
                await self._rings(trip)
            if not await self._settled_aside(trip):
                return ()
        except asyncio.CancelledError:
            self._board(trip, is_open=False)
            if trip.settling is not None:
                await asyncio.wait([trip.settling])
            await self._end(trip, done, 0)
            raise
        goes_on = goes_on and not waiting and not trip.closed and self._may_carry_more(trip)
        return await self._end(trip, done, limit.QUEUE_ERRANDS_PER_LOAD if goes_on else 0)

    def _board(self, trip: _Trip, *, is_open: bool) -> None:
        """May sessions hand something over?"""
        if is_open and trip.links and not trip.closed and self._may_carry_more(trip):
            self._site.handover.open(trip.boarding)
        else:
            self._site.handover.shut(trip.boarding)

    def _may_carry_more(self, trip: _Trip) -> bool:
        return trip.parcels < limit.QUEUE_PARCELS_PER_LINK or self._may_go_on()

    def _spent(self, since: float) -> float:
        return self._site.clock.monotonic() - since

    async def _something_comes(self, trip: _Trip, since: float) -> bool:
        """For this connection, in time. Else the commit that settles the last ones can just as well claim what has come
        in that moment."""
        trip.rung.clear()
        try:
            async with asyncio.timeout(limit.QUEUE_SETTLE_S - self._spent(since)):
                await self._rings(trip)
        except TimeoutError:
            pass
        while trip.boarding.reserved and not trip.boarding.waiting:
            await self._rings(trip)
        return bool(trip.boarding.waiting)

    async def _rings(self, trip: _Trip) -> None:
        await trip.rung.wait()
        trip.rung.clear()

    async def _settled_aside(self, trip: _Trip) -> bool:
        """False: the load is not ours any more."""
        settling, trip.settling = trip.settling, None
        return settling is None or await settling is not None

    async def _end(self, trip: _Trip, done: list[Done], most: int) -> tuple[Claim, ...]:
        """What else there is for this load."""
        boarding = trip.boarding
        rest = [handed.claim for handed in boarding.waiting]
        boarding.waiting.clear()
        if not boarding.reserved and not boarding.is_unsure:
            return await self._settle(trip, done, rest, ends=True, most=most) or ()
        await self._settle(trip, done, rest)
        await self._site.store.write(loads.give_back, trip.load)
        return ()

    def ring(self) -> None:
        """There may be more to carry."""
        for trip in self._trips:
            trip.rung.set()

    def stop(self) -> None:
        """After the parcels that are on their way."""
        self.is_stopping = True
        self.ring()

    async def _settle(
        self, trip: _Trip, done: list[Done], rest: Sequence[Claim] = (), *, ends: bool = False, most: int = 0
    ) -> tuple[Claim, ...] | None:
        """Whoever is cancelled here waits for its end all the same: it is not known what a broken one has done."""
        now = int(self._site.clock.now())  # it may have gone back since they were claimed
        untried = [Settled(errand, None, min(errand.due, now)) for claim in rest for errand in claim.errands]
        settling = asyncio.get_running_loop().create_task(self._settle_all(trip.load, done, untried, ends, most))
        try:
            return await asyncio.shield(settling)
        except asyncio.CancelledError:
            await asyncio.wait([settling])
            raise

    async def _settle_all(
        self, load: Load, done: list[Done], untried: list[Settled], ends: bool, most: int
    ) -> tuple[Claim, ...] | None:
        try:
            return await self._settler.settle(load, done, untried, ends=ends, most=most)
        except Refusal:  # a mailbox of ours went away
            done = [self._went_away(d) if d.keeping else d for d in done]
            return await self._settler.settle(load, done, untried, ends=ends, most=most)

    def _went_away(self, done: Done) -> Done:
        errands = [r.errand for r in done.settled]
        return self._done(done.parcel, errands, [late.WENT_AWAY] * len(errands))

    # -- one parcel ------------------------------------------------------------------------------------------------

    async def _one(self, trip: _Trip, handed: Handed) -> Done:
        claim = handed.claim
        try:
            if trip.load.destination == LOCAL:
                return await self._keep(claim)
            outcomes = await self._send(trip, claim, handed.octets)
        except Trouble as trouble:
            self._site.log.warn("queue.trouble", tid=claim.parcel.tid, fault=type(trouble).__name__, why=trouble)
            outcomes = [_OURS] * len(claim.errands)
        except Exception as exc:
            self._site.log.defect("queue.defect", exc, tid=claim.parcel.tid)
            outcomes = [_OURS] * len(claim.errands)
        return self._done(claim.parcel, claim.errands, outcomes)

    def _done(self, parcel: Parcel, errands: Sequence[Errand], outcomes: Sequence[Outcome]) -> Done:
        now = int(self._site.clock.now())
        settled = [
            Settled(errand, one, 0 if one.is_final else now + pace.schedule(errand.attempts + 1))
            for errand, one in zip(errands, outcomes, strict=True)
        ]
        return Done(parcel, tuple(settled))

    async def _keep(self, claim: Claim) -> Done:
        outcomes: list[Outcome] = []
        keeping: list[tuple[Content, Placing]] = []
        for errand in claim.errands:
            outcome, kept = await late.keep(self._site, claim.parcel, errand)
            outcomes.append(outcome)
            keeping += kept
        done = self._done(claim.parcel, claim.errands, outcomes)
        return Done(done.parcel, done.settled, tuple(keeping))

    async def _send(self, trip: _Trip, claim: Claim, octets: Octets | None) -> list[Outcome]:
        envelope = claim.parcel.envelope
        secret = envelope.requiretls and envelope.reverse_path is not None  # RFC 8689 §4.2.1, §5
        link = await self._link(trip, secret, claim)
        if isinstance(link, Outcome):
            return [link] * len(claim.errands)
        if octets is None:
            octets = await self._site.store.read(queue.octets, claim.parcel.id)
        try:
            return await link.send(claim.parcel, claim.errands, octets)
        except BaseException:
            del trip.links[secret]
            await link.close()
            raise

    async def _link(self, trip: _Trip, secret: bool, claim: Claim) -> Link | Outcome:
        """The connection of the trip, one that waited, or a new one. What could not be opened is tried no more."""
        if secret in trip.closed:
            return trip.closed[secret]
        link = trip.links.pop(secret, None)
        if link is not None and not link.is_usable:
            await link.close()
            link = None
        destination = trip.load.destination
        if link is None and not secret:
            link = self._idle.take(destination)
        if link is None:
            found = await self._nexthops.find(destination, claim.errands[0].recipient.address.domain)
            opened = found if isinstance(found, Outcome) else await self._relay.open(found, requiretls=secret)
            if isinstance(opened, Outcome):
                trip.closed[secret] = opened
                return opened
            link = opened
        trip.links[secret] = link
        return link


def _blames_host(done: Done) -> bool:
    return any(r.outcome is not None and r.outcome.blames_host for r in done.settled)


class IdleLinks:
    """Connections that wait a moment for further errands of their destination."""

    def __init__(self) -> None:
        self._links: dict[str, list[tuple[Link, asyncio.TimerHandle]]] = {}
        self._count = 0
        self._closing: set[asyncio.Task[None]] = set()

    def put(self, destination: str, link: Link) -> bool:
        """False: there is no room."""
        if self._count >= limit.QUEUE_LINKS_IDLE:
            return False
        loop = asyncio.get_running_loop()
        handle = loop.call_later(limit.QUEUE_LINK_IDLE_S, self._expire, destination, link)
        self._links.setdefault(destination, []).append((link, handle))
        self._count += 1
        return True

    def take(self, destination: str) -> Link | None:
        """The one that waited least."""
        while waiting := self._links.get(destination):
            link, handle = waiting[-1]
            handle.cancel()
            self._remove(destination, link)
            if link.is_usable:
                return link
            self._close(link)
        return None

    def _expire(self, destination: str, link: Link) -> None:
        self._remove(destination, link)
        self._close(link)

    def _remove(self, destination: str, link: Link) -> None:
        left = [pair for pair in self._links[destination] if pair[0] is not link]
        self._count -= 1
        if left:
            self._links[destination] = left
        else:
            del self._links[destination]

    def _close(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(link.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        for destination in list(self._links):
            for link, handle in self._links[destination]:
                handle.cancel()
                self._remove(destination, link)
                self._close(link)
        if self._closing:
            await asyncio.wait(self._closing)
