"""A long queue costs nobody else anything: counted in steps of the database, which are the same on every machine.

2,000 errands at 200 domains whose hosts do not answer, against 20 at 10. `bench/backlog.py` measures the same in time
and memory, with a hundred thousand.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import apsw
from tests.flow.test_queue import DOWN, NOW, Office, make_office

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Outcome
from posthaus.store import load as loads
from posthaus.store import message, queue
from posthaus.store.drivers.sqlite import SqliteStore
from posthaus.store.message import Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.tx import Tx
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import made_up, person

FEW, SOME, MANY = (20, 10), (300, 30), (2_000, 200)  # errands, domains
AT_ONCE = 50  # errands of one parcel


@asynccontextmanager
async def filled(folder: Path, errands: int, domains: int, clock: JumpClock | None = None) -> AsyncIterator[Office]:
    """All of them due."""
    store = await SqliteStore.open(folder)
    office = await make_office(store, folder, await person(store, "anna"), clock=clock)
    for first in range(0, errands, AT_ONCE):
        some = [
            NewErrand(Recipient(Address(f"r{n}", f"d{n % domains}.test")), f"mx/d{n % domains}.test", NOW)
            for n in range(first, min(first + AT_ONCE, errands))
        ]
        parcel = NewParcel(made_up(), Envelope(Address("anna", "a.example")), f"t{first}", 1, NOW + 86_400, 0)
        await store.write(queue.enqueue, parcel, some, NOW)
    try:
        yield office
    finally:
        await office.runner.stop(0)  # what settles would else try for as long as the store is closed
        await store.close()


@contextmanager
def counted(office: Office) -> Iterator[Counter[str]]:
    """Steps of SQLite's machine, and rows that were looked at one after the other without an index."""
    store = cast(SqliteStore, office.site.store)
    found: Counter[str] = Counter()

    def note(told: dict[str, Any]) -> None:
        found["statements"] += 1
        found["steps"] += told["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]
        found["scanned"] += told["stmt_status"]["SQLITE_STMTSTATUS_FULLSCAN_STEP"]

    connections = (store._writer, store._reader)
    for connection in connections:
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note, id="backlog")
    try:
        yield found
    finally:
        for connection in connections:
            connection.trace_v2(0, None, id="backlog")


async def deliver(office: Office) -> None:
    """To an account of ours, as often as there is something to be learned."""
    for n in range(3):
        placing = Placing(office.anna.id, office.anna.inbox, 0)
        await office.site.store.write(message.deliver, made_up(f"number {n}"), [placing], NOW)


async def look(office: Office) -> None:
    """What each worker does every few seconds, and for every bell."""
    await office.site.store.read(queue.agenda)


async def claim(office: Office) -> None:
    """One load, and what comes of it."""
    await office.site.store.write(_claim_and_settle)


async def _claim_and_settle(tx: Tx) -> None:
    (mine,) = await loads.claim(tx, "w/1", NOW, NOW + 300, 1, 2, suspects=True)
    results = [loads.Settled(errand, DOWN, NOW + 300) for one in mine.claims for errand in one.errands]
    assert len(results) == 2
    await loads.settle(tx, mine, results, NOW, lambda pace: pace, ends=True)


async def test_nobody_else_pays_for_it(tmp_path: Path) -> None:
    """Local delivery, the look at what is due, and a claim take as many steps with a hundred times as much waiting."""
    seen: dict[str, list[Counter[str]]] = {}
    for name, size in (("few", FEW), ("many", MANY)):
        async with filled(tmp_path / name, *size) as office:
            for act in (deliver, look, claim):
                await act(office)  # statements are prepared, and pages of indexes are split or not
                with counted(office) as found:
                    await act(office)
                seen.setdefault(act.__name__, []).append(found)
    for name, (few, many) in seen.items():
        assert few["statements"] == many["statements"] > 0, name
        assert many["scanned"] <= few["scanned"], (name, few, many)
        assert many["steps"] <= 1.05 * few["steps"], (name, few, many)


async def test_no_more_of_it_is_in_memory(tmp_path: Path, monkeypatch: Any) -> None:
    """So many loads at a time, each of so many errands, whatever waits; and none once all hosts rest."""
    monkeypatch.setattr(limit, "QUEUE_LOADS", 8)
    monkeypatch.setattr(limit, "QUEUE_SUSPECT_LOADS", 4)
    monkeypatch.setattr(limit, "QUEUE_NEW_LOADS", 1)
    monkeypatch.setattr(limit, "QUEUE_ERRANDS_PER_LOAD", 5)
    monkeypatch.setattr(limit, "QUEUE_PATIENT_REST", 0)
    monkeypatch.setattr(limit, "QUEUE_FAILING_REST_S", 0)
    async with filled(tmp_path / "many", *SOME) as office:
        most = 0

        class Watched(dict[str, Any]):
            """Every host, and a look at what is claimed whenever one is tried."""

            def get(self, key: str, default: Any = None) -> Any:
                nonlocal most
                most = max(most, office.runner.on_its_way)
                return DOWN

        office.network.unreachable = Watched()
        office.runner.start()
        await office.until(lambda: all_rest(office))
        assert 0 < most <= 8
        # one that is tried after that is told of at once: nobody waits behind the others
        office.network.unreachable = {}
        await office.put("bob")
        await office.sent(1)


async def all_rest(office: Office) -> bool:
    """Nothing is left to be tried now."""
    agenda = await office.site.store.read(queue.agenda)
    is_claimed = office.runner.on_its_way or await office.site.store.read(_claimed)
    return min(agenda.due, agenda.suspect_due) > office.clock.now() and not is_claimed


async def _claimed(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand WHERE load<>0")
    assert row is not None
    return int(row[0])


# -- what is new does not wait behind it ---------------------------------------------------------------------------


async def test_new_mail_goes_out_while_hosts_that_say_nothing_hold_their_share(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """To a host that has never been tried, and to one that is known to work when those have filled their share, too."""
    monkeypatch.setattr(limit, "QUEUE_LOADS", 8)
    monkeypatch.setattr(limit, "QUEUE_SUSPECT_LOADS", 6)
    monkeypatch.setattr(limit, "QUEUE_NEW_LOADS", 2)
    monkeypatch.setattr(limit, "QUEUE_FAILING_REST_S", 0)
    async with filled(tmp_path / "many", *SOME) as office:
        found = office.network.find

        async def find(destination: str, domain: str) -> Any:
            if destination.startswith("mx/d"):
                await asyncio.Event().wait()
            return await found(destination, domain)

        monkeypatch.setattr(office.network, "find", find)
        office.clock.jump(limit.QUEUE_NEW_S + 1)
        office.runner.start()

        async def carries(n: int) -> None:
            async def is_so() -> bool:
                return office.runner.on_its_way == n

            await office.until(is_so)

        await carries(4)
        await office.put("bob@b.test")
        await office.sent(1)
        await carries(4)
        await office.put("r@d900.test", "r@d901.test", "r@d902.test")
        await carries(6)
        await office.put("carl@b.test")
        await office.sent(2)
        assert office.network.sent == ["bob@b.test", "carl@b.test"]
        await carries(6)


class Unreachable(dict[str, Outcome]):
    """The hosts of the backlog; counts how often they are tried."""

    tries = 0

    def get(self, key: str, default: Any = None) -> Any:
        if not key.startswith("mx/d"):
            return default
        self.tries += 1
        return DOWN


class BusyClock(JumpClock):
    """Of a worker that always has something else to do, or never; it moves by jumps only."""

    def __init__(self) -> None:
        super().__init__(frozen=True)
        self.is_busy = True
        self._worked = 0.0

    def cpu(self) -> float:
        self._worked += self.is_busy
        return self._worked


async def test_what_fails_is_tried_in_pieces_while_the_worker_has_other_work(tmp_path: Path, monkeypatch: Any) -> None:
    """One every two seconds; mail for others goes out meanwhile, and all of it is tried once there is nothing else."""
    monkeypatch.setattr(limit, "QUEUE_PATIENT_REST", 0)
    monkeypatch.setattr(limit, "QUEUE_FAILING_REST_S", 0)
    clock = BusyClock()
    async with filled(tmp_path / "many", *SOME, clock) as office:
        hosts = office.network.unreachable = Unreachable()
        clock.jump(limit.QUEUE_NEW_S + 1)
        office.runner.start()

        async def tried(n: int) -> None:
            async def is_so() -> bool:
                return hosts.tries >= n and not office.runner.on_its_way

            await office.until(is_so)
            for _ in range(100):  # and no more than that
                await asyncio.sleep(0)
            assert hosts.tries == n

        await tried(limit.QUEUE_UNSURE_LOADS)
        for n in (1, 2):
            await office.later(limit.QUEUE_FAILING_PATIENCE_S)
            await tried(limit.QUEUE_UNSURE_LOADS + n * limit.QUEUE_FAILING_LOADS)
        await office.put("bob@b.test")
        await office.later(limit.QUEUE_FAILING_PATIENCE_S)  # it has never been tried, so it comes with the next piece
        await office.sent(1)
        await office.put("carl@b.test")  # it is known to work
        await office.sent(2)
        assert hosts.tries < SOME[1] * 3  # so often, until a host is dead
        clock.is_busy = False
        await office.later(limit.QUEUE_FAILING_PATIENCE_S)
        await office.until(lambda: all_rest(office))
        assert hosts.tries >= SOME[1] * 3
