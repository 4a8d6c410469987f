"""The runner of the queue: one in each worker, and none is special.

It wakes when a bell rings or the next time has come, claims what is due, and lets the carrier carry it, many loads at a
time. What may be claimed is decided by rows that all workers share, so it does not matter which of them comes first.
Destinations whose host is not known to work have a share of the loads and no more: a thousand of them that say nothing
keep nobody waiting, and what has just come does not wait behind them. While they fail, few are tried at a time
(flow/brake.py).

Else nothing is remembered from one look to the next but what is on its way, and which loads of others have run out.
The wall clock of one of us may have jumped: a load is taken apart when its holder has not renewed it since for a while.

Standards: RFC 5321 §4.5.4.1.
Faults:    none.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from posthaus.base import limit
from posthaus.base.error import Trouble
from posthaus.flow import overdue
from posthaus.flow.bounce import Bouncer
from posthaus.flow.brake import Brake
from posthaus.flow.carry import Carrier, NextHops, Relay
from posthaus.flow.heir import release_dead
from posthaus.flow.rest import rest
from posthaus.flow.setback import Setback
from posthaus.flow.settle import Settler
from posthaus.flow.site import Site
from posthaus.store import bell, queue
from posthaus.store import load as loads
from posthaus.store.load import Load
from posthaus.store.queue import Agenda
from posthaus.store.store import Watch
from posthaus.store.tx import Tx

_LEASE_MOST_S = 2 * limit.QUEUE_LEASE_S  # clocks of nodes differ a little


class Runner:
    """Of one worker: start(), stop()."""

    def __init__(self, site: Site, nexthops: NextHops, relay: Relay, bouncer: Bouncer) -> None:
        self._site = site
        self._brake = Brake()
        self._settler = Settler(site.store, bouncer, site.clock, site.log, site.metric, self._brake.note)
        self._carrier = Carrier(site, nexthops, relay, self._settler, lambda: not self._is_full)
        self._wake = asyncio.Event()
        self._over = asyncio.Event()
        self._carrying: dict[int, asyncio.Task[None]] = {}  # by the load's id
        self._suspects: set[int] = set()
        self._out_of_time: dict[tuple[int, int], float] = {}  # loads of others with their ends: when that was seen
        self._setback = Setback(site)
        self._is_resting = False  # nothing is tried just now of what is likely to fail
        self._tasks: set[asyncio.Task[None]] = set()  # looking, renewing, and clocks that ring
        self._looking: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        self._clock_is_ringing = False
        self._ringing = 0  # the load of what it rang for

    def start(self) -> None:
        self._watch = self._site.store.watch(bell.QUEUE, self._ring)
        self._looking = self._spawn(self._run())
        self._spawn(self._renew())

    async def stop(self, drain_s: float) -> None:
        """Claims nothing more. Parcels on their way have so long to arrive; then their connections are cut, and they
        wait in the queue."""
        self._carrier.stop()
        if self._watch is not None:
            self._watch.close()
        self._over.set()
        self._wake.set()
        if self._looking is not None:  # it may be claiming just now
            await asyncio.wait([self._looking], timeout=limit.CLOSE_TIMEOUT_S)
        if self._carrying:
            await asyncio.wait(self._carrying.values(), timeout=drain_s)
        self._settler.gives_up = True
        for task in self._carrying.values():
            task.cancel()
        if left := [*self._carrying.values(), *self._tasks]:
            await asyncio.wait(left, timeout=limit.CLOSE_TIMEOUT_S)
        await self._carrier.close()

    @property
    def on_its_way(self) -> int:
        """Loads."""
        return len(self._carrying)

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _ring(self) -> None:
        self._carrier.ring()
        self._wake.set()

    @property
    def _is_full(self) -> bool:
        return len(self._carrying) >= limit.QUEUE_LOADS

    # -- looking ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._over.is_set():
            self._wake.clear()
            pause = limit.QUEUE_LOOK_S
            try:
                pause = await self._look()
            except Trouble as trouble:
                self._site.log.warn("queue.not-read", fault=type(trouble).__name__, why=trouble)
            except Exception as exc:
                self._site.log.defect("queue.look-defect", exc)
            if pause > 0:
                await _wait(self._wake, pause)
                if self._carrying:
                    await _wait(self._over, limit.QUEUE_GATHER_S)

    async def _look(self) -> float:
        """Seconds until the next look, unless something wakes us."""
        store = self._site.store
        now = int(self._site.clock.now())
        await self._setback.look(now)
        agenda = await store.read(queue.agenda)
        if agenda.until <= now or agenda.until_last > now + _LEASE_MOST_S:
            await self._free_silent(now)
            agenda = await store.read(queue.agenda)
        if agenda.clock <= now and not self._clock_is_ringing:
            self._clock_is_ringing = True
            try:  # before anything is claimed for a try, so that what has expired is given up and not tried again
                ringing = await self._claim_overdue(now)
            except BaseException:
                self._clock_is_ringing = False
                raise
            self._spawn(self._answer_clock(ringing))
        claimed = 0
        if agenda.due <= now:
            claimed += await self._claim(now)
        if agenda.suspect_due <= now:
            claimed += await self._claim_suspects(now)
        return 0.0 if claimed else self._pause(agenda, now)

    async def _free_silent(self, now: int) -> None:
        """Loads that have run out, or end later than they can, and are not renewed. Ours are, however long the store or
        the whole machine stood still."""
        store, at = self._site.store, self._site.clock.monotonic()
        found = await store.read(loads.out_of_time, now, now + _LEASE_MOST_S)
        held = self._held
        if any(load in held for load, _ in found):
            await store.write(_renew_all, held, now + limit.QUEUE_LEASE_S)
        self._out_of_time = {one: self._out_of_time.get(one, at) for one in found if one[0] not in held}
        silent = [one for one, since in self._out_of_time.items() if at - since >= limit.QUEUE_SILENT_S]
        if silent:
            await store.write(loads.free_silent, silent)

    def _pause(self, agenda: Agenda, now: int) -> float:
        times = [agenda.until if agenda.until > now else queue.NEVER]
        if self._room(suspects=False) and agenda.due > now:
            times.append(agenda.due)
        if self._room(suspects=True) and agenda.suspect_due > now:
            times.append(agenda.suspect_due)
        if not self._clock_is_ringing:
            times.append(agenda.clock)
        return min(max(min(times) - self._site.clock.now(), 0.0), limit.QUEUE_LOOK_S)

    def _room(self, *, suspects: bool) -> int:
        room = max(limit.QUEUE_LOADS - len(self._carrying), 0)
        if not suspects:
            return room
        return 0 if self._is_resting else min(room, max(limit.QUEUE_SUSPECT_LOADS - len(self._suspects), 0))

    async def _claim(self, now: int) -> int:
        """How many loads."""
        most = min(self._room(suspects=False), limit.QUEUE_CLAIM_LOADS)
        if not most:
            return 0
        found = await self._site.store.write(
            loads.claim, self._site.worker, now, now + limit.QUEUE_LEASE_S, most, limit.QUEUE_ERRANDS_PER_LOAD,
            suspects=False,
        )  # fmt: skip
        for load in found:
            self._carry(load)
        return len(found)

    async def _claim_suspects(self, now: int) -> int:
        """Some that have just come, and as many others as there is room for."""
        is_braked = self._brake.is_on(len(self._suspects))
        most = min(self._room(suspects=True), limit.QUEUE_FAILING_LOADS if is_braked else limit.QUEUE_CLAIM_LOADS)
        if not most:
            return 0
        older = limit.QUEUE_SUSPECT_LOADS - limit.QUEUE_NEW_LOADS - len(self._suspects)
        found = await self._site.store.write(claim_suspects, self._site.worker, now, most, older)
        for load in found:
            self._carry(load)
        if found and self._brake.is_on(len(self._suspects)):
            self._is_resting = True
            self._spawn(self._rest())
        return len(found)

    async def _rest(self) -> None:
        try:
            rest_s, patience_s = limit.QUEUE_FAILING_REST_S, limit.QUEUE_FAILING_PATIENCE_S
            await rest(self._site.store, self._site.clock, rest_s, rest_s, patience_s, lambda s: _wait(self._over, s))
        except Trouble as trouble:
            self._site.log.warn("queue.not-read", fault=type(trouble).__name__, why=trouble)
        finally:
            self._is_resting = False
            self._wake.set()

    # -- what is on its way ----------------------------------------------------------------------------------------

    def _carry(self, load: Load) -> None:
        self._site.metric.count("queue.loads")
        task = asyncio.get_running_loop().create_task(self._carrier.carry(load))
        self._carrying[load.id] = task
        if load.is_suspect:
            self._suspects.add(load.id)
        task.add_done_callback(lambda task: self._carried(load, task))

    def _carried(self, load: Load, task: "asyncio.Task[None]") -> None:
        del self._carrying[load.id]
        self._suspects.discard(load.id)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._site.log.defect("queue.carry-defect", exc, destination=load.destination)
        self._wake.set()

    async def _renew(self) -> None:
        """What is on its way is ours, however long it takes; what a dead sibling left is nobody's."""
        site = self._site
        while not await _wait(self._over, limit.QUEUE_RENEW_S):
            now = int(site.clock.now())
            try:
                if self._held:
                    await site.store.write(_renew_all, self._held, now + limit.QUEUE_LEASE_S)
                await release_dead(site.store, site.worker.partition("/")[0], site.log, is_first=False)
            except Trouble as trouble:
                site.log.warn("queue.not-renewed", fault=type(trouble).__name__, why=trouble)
            except Exception as exc:
                site.log.defect("queue.renew-defect", exc)

    @property
    def _held(self) -> list[int]:
        """The loads that are ours."""
        return [*self._carrying, self._ringing] if self._ringing else list(self._carrying)

    async def _claim_overdue(self, now: int) -> Load | None:
        most, until = limit.QUEUE_ERRANDS_PER_LOAD, now + limit.QUEUE_LEASE_S
        found = await self._site.store.write(loads.claim_overdue, self._site.worker, now, until, most)
        self._ringing = found.id if found is not None else 0
        return found

    async def _answer_clock(self, ringing: Load | None) -> None:
        """All parcels whose clock has rung, in pieces."""
        try:
            while ringing is not None:
                now = int(self._site.clock.now())
                done = [one for claim in ringing.claims for one in overdue.decide(claim, now)]
                if done:
                    await self._settler.settle(ringing, done, ends=True)
                now = int(self._site.clock.now())
                ringing = None if self._over.is_set() else await self._claim_overdue(now)
        except Trouble as trouble:
            self._site.log.warn("queue.clock-not-answered", fault=type(trouble).__name__, why=trouble)
        except Exception as exc:
            self._site.log.defect("queue.clock-defect", exc)
        finally:
            self._clock_is_ringing = False
            self._ringing = 0
            self._wake.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Did it happen?"""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def claim_suspects(tx: Tx, owner: str, now: int, most: int, older: int) -> list[Load]:
    """older: so many at most that have not just come. Where there are many of both kinds, each has half."""
    until, errands = now + limit.QUEUE_LEASE_S, limit.QUEUE_ERRANDS_PER_LOAD
    new = most if older <= 0 else -(-most // 2)
    found = await loads.claim(tx, owner, now, until, new, errands, suspects=True, since=now - limit.QUEUE_NEW_S)
    older = min(older, most) - len(found)
    return found + await loads.claim(tx, owner, now, until, older, errands, suspects=True)


async def _renew_all(tx: Tx, held: list[int], until: int) -> None:
    for load in held:
        await loads.renew(tx, load, until)
