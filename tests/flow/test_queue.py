"""The runner: what is due goes out, over few connections, and what became of it is kept and told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow.bounce import Bouncer
from posthaus.flow.hop import Host, NextHop
from posthaus.flow.keep import Plan, Way, keep
from posthaus.flow.login import Login
from posthaus.flow.pace import Times
from posthaus.flow.queue import Runner, claim_suspects
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import account, blob, message, postmaster, queue, record
from posthaus.store import load as loads
from posthaus.store.blob import Octets
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.message import Placing
from posthaus.store.postmaster import Act, Which
from posthaus.store.queue import LOCAL, Errand, NewErrand, NewParcel, Parcel
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import START_S, JumpClock
from posthaus.testing.storehouse import Person, Storehouse, made_up, person

NOW = int(START_S)
DAY = 86_400
ANNA = Address("anna", "a.example")
HERE = Here("mail.a.example")
USUAL = Envelope(ANNA)
OK = Outcome(Kind.RELAYED, 250, "2.0.0", "taken", "mx.b.test")
BUSY = Outcome(Kind.DEFERRED, 451, "4.3.0", "not now", "mx.b.test")
NOBODY = Outcome(Kind.FAILED, 550, "5.1.1", "no such user", "mx.b.test")
DOWN = Outcome(Kind.DEFERRED, 0, "4.4.1", "cannot connect", blames_host=True)
CLOSING = Outcome(Kind.DEFERRED, 421, "4.3.2", "closing", "mx.b.test", blames_host=True)
_SOON_S = 20.0

Answer = Callable[[Parcel, Errand], Outcome]


@dataclass
class Wire:
    """One connection of the fake network."""

    network: "Network"
    destination: str
    secret: bool
    is_usable: bool = True
    is_closed: bool = False
    sent: list[tuple[str, ...]] = field(default_factory=list)
    octets: list[bytes] = field(default_factory=list)

    async def send(self, parcel: Parcel, errands: Sequence[Errand], octets: Octets) -> list[Outcome]:
        assert not self.is_closed
        self.sent.append(tuple(str(e.recipient.address) for e in errands))
        self.octets.append(octets.prefix + octets.head + blob.unpack(octets.body, octets.packing))
        await self.network.gate.wait()
        outcomes = [self.network.answer(parcel, errand) for errand in errands]
        if any(one.code == 421 for one in outcomes):
            self.is_usable = False
        return outcomes

    async def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class Network:
    """Next hops and relay in one: every host answers as the test says."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _parcel, _errand: OK
        self.unreachable: dict[str, Outcome] = {}  # by destination
        self.unknown: dict[str, Outcome] = {}
        self.wires: list[Wire] = []
        self.tries: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self, destination: str, domain: str) -> NextHop | Outcome:
        self.tries.append(destination)
        return self.unknown.get(destination) or NextHop(destination, domain, (Host("mx." + domain, ("192.0.2.1",)),))

    async def open(self, hop: NextHop, *, requiretls: bool = False) -> Wire | Outcome:
        down = self.unreachable.get(hop.key)
        if down is not None:
            return down
        self.wires.append(wire := Wire(self, hop.key, requiretls))
        return wire

    @property
    def sent(self) -> list[str]:
        return [address for wire in self.wires for addresses in wire.sent for address in addresses]


@dataclass
class Office:
    """A worker with a runner."""

    site: Site
    network: Network
    runner: Runner
    clock: JumpClock
    lines: list[str]
    anna: Person

    async def put(
        self, *names: str, envelope: Envelope = USUAL, destination: str = "", due: int = 0, account: int = 0,
        expires: int = DAY, warn_at: int = 0, notify: str = "",
    ) -> int:  # fmt: skip
        """A message from Anna to name@b.test, or whatever is named in full."""
        now = int(self.clock.now())
        errands = []
        for name in names:
            local, _, domain = name.partition("@")
            recipient = Recipient(Address(local, domain or "b.test"), notify=frozenset(notify.split()))
            to = destination or f"mx/{recipient.address.domain}"
            errands.append(NewErrand(recipient, to, due or now, account))
        content = made_up(f"to {names[0]}", prefix=b"Received: x\r\n")
        warn = now + warn_at if warn_at else 0
        parcel = NewParcel(content, envelope, f"tid-{names[0]}", self.anna.id, now + expires, warn)
        return await self.site.store.write(queue.enqueue, parcel, errands, now)

    async def later(self, seconds: float) -> None:
        self.clock.jump(seconds)
        self.runner.wake()

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(_SOON_S):
            while not await is_so():  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def sent(self, n: int) -> None:
        async def is_so() -> bool:
            return len(self.network.sent) >= n

        await self.until(is_so)

    async def left(self, n: int) -> None:
        """So many errands are in the queue, and none is on its way."""

        async def is_so() -> bool:
            return await self.site.store.read(_left) == (n, 0) and not self.runner.on_its_way

        await self.until(is_so)

    async def quiet(self) -> None:
        """Every clock was answered, and nothing is on its way."""

        async def is_so() -> bool:
            agenda = await self.site.store.read(queue.agenda)
            return agenda.clock > self.clock.now() and agenda.until == queue.NEVER and not self.runner.on_its_way

        await self.until(is_so)

    async def tried(self, name: str, attempts: int) -> Errand:
        async def is_so() -> bool:
            found = await self.site.store.read(_errand, name)
            return found is not None and found.attempts >= attempts

        await self.until(is_so)
        found = await self.site.store.read(_errand, name)
        assert found is not None
        return found

    async def inbox(self) -> list[bytes]:
        return await self.site.store.read(_bodies, self.anna)


async def _left(tx: Tx) -> tuple[int, int]:
    errands, held = await tx.one("SELECT count(*) FROM errand"), await tx.one("SELECT count(*) FROM load")
    assert errands is not None and held is not None
    return errands[0], held[0]


async def _errand(tx: Tx, name: str) -> Errand | None:
    row = await tx.one(f"{queue.JOINED} WHERE e.localpart=$1 AND e.load=0", name)
    return None if row is None else queue.errand_of(row)


async def _bodies(tx: Tx, who: Person) -> list[bytes]:
    rows = await tx.all(
        "SELECT p.message FROM placement p WHERE p.id BETWEEN $1 AND $2 ORDER BY p.id",
        who.inbox << 32, who.inbox << 32 | 0xFFFFFFFF,
    )  # fmt: skip
    return [(await blob.octets(tx, row[0])).whole() for row in rows]


async def make_office(
    store: Store, folder: Path, anna: Person, worker: str = "w/1/x", clock: JumpClock | None = None
) -> Office:
    lines: list[str] = []
    clock = clock or JumpClock(frozen=True)
    site = Site(
        store=store, blobs=DiskBlobs(folder / "blobs"), login=cast(Login, None), clock=clock, chance=SeededChance(),
        log=Log(clock, lines.append), metric=Metric(), hostname="mail.a.example", spool_folder=folder, worker=worker,
        message_octets=10_000_000,
    )  # fmt: skip
    network = Network()
    return Office(site, network, Runner(site, network, network, Bouncer(site, HERE)), clock, lines, anna)


@pytest.fixture
async def office(store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    made = await make_office(store, tmp_path, await person(store, "anna"))
    made.runner.start()
    yield made
    await made.runner.stop(0)
    assert not [line for line in made.lines if " defect " in line]


# -- out -----------------------------------------------------------------------------------------------------------


async def test_a_message_goes_out_as_it_is_and_is_recorded(office: Office) -> None:
    await office.put("bob")
    await office.left(0)
    (wire,) = office.network.wires
    assert wire.sent == [("bob@b.test",)]
    assert wire.octets == [b"Received: x\r\nSubject: to bob\r\n\r\nto bob\r\n"]
    assert await office.inbox() == []
    told = await office.site.store.read(record.of_transaction, "tid-bob", NOW, NOW)
    assert [entry.kind for entry in told] == [record.Kind.RELAYED]
    assert any("queue.relayed tid=tid-bob to=bob@b.test host=mx.b.test code=250" in it for it in office.lines), (
        office.lines
    )
    assert office.site.metric.value("queue.relayed") == 1


async def test_recipients_of_one_destination_go_together(office: Office) -> None:
    await office.put("bob", "ben", "carl@c.test")
    await office.left(0)
    assert sorted(wire.sent[0] for wire in office.network.wires) == [("bob@b.test", "ben@b.test"), ("carl@c.test",)]


async def test_one_connection_carries_many_messages(office: Office) -> None:
    office.network.gate.clear()
    await office.put("first")
    await office.sent(1)
    for n in range(30):
        await office.put(f"n{n}")
    office.network.gate.set()
    await office.left(0)
    assert len(office.network.sent) == 31
    assert len(office.network.wires) <= limit.QUEUE_CONNECTIONS_FIRST


async def test_a_connection_waits_a_moment_for_the_next_message(office: Office) -> None:
    for name in ("bob", "ben", "bert"):
        await office.put(name)
        await office.left(0)
    (wire,) = office.network.wires
    assert wire.sent == [("bob@b.test",), ("ben@b.test",), ("bert@b.test",)]
    await office.runner.stop(0)
    assert wire.is_closed


async def test_mail_that_requires_tls_has_its_own_connection(office: Office) -> None:
    office.network.gate.clear()
    await office.put("first")
    await office.sent(1)
    await office.put("secret", envelope=Envelope(ANNA, requiretls=True))
    await office.put("usual")
    office.network.gate.set()
    await office.left(0)
    assert [wire.sent for wire in office.network.wires if wire.secret] == [[("secret@b.test",)]]


async def test_higher_priority_goes_first(office: Office) -> None:
    later = NOW + 100
    for name, priority in (("low", -4), ("usual", 0), ("high", 4)):
        await office.put(name, envelope=Envelope(ANNA, priority=priority), due=later)
    office.network.gate.clear()
    await office.later(100)
    await office.sent(3)
    assert office.network.sent[0] == "high@b.test"
    office.network.gate.set()
    await office.left(0)


async def test_two_workers_send_each_message_once(house: Storehouse, tmp_path: Path) -> None:
    one, other = await house.open(), await house.open()
    anna = await person(one, "anna")
    offices = [await make_office(one, tmp_path, anna), await make_office(other, tmp_path, anna, "w/2/x")]
    for n in range(40):
        await offices[0].put(f"n{n}@{n % 7}.test")
    for it in offices:
        it.runner.start()
    await offices[0].left(0)
    sent = offices[0].network.sent + offices[1].network.sent
    assert sorted(sent) == sorted(f"n{n}@{n % 7}.test" for n in range(40))
    for it in offices:
        await it.runner.stop(0)


# -- later ---------------------------------------------------------------------------------------------------------


async def test_deferred_is_tried_again_in_time(office: Office) -> None:
    office.network.answer = lambda _p, _e: BUSY
    await office.put("bob")
    it = await office.tried("bob", 1)
    assert (it.due, it.reason) == (NOW + 300, BUSY)
    await office.later(299)
    await office.later(1)
    it = await office.tried("bob", 2)
    assert it.due == NOW + 300 + 600
    office.network.answer = lambda _p, _e: OK
    await office.later(600)
    await office.left(0)


async def test_each_recipient_has_its_own_end(office: Office) -> None:
    answers = {"bob": OK, "ben": BUSY, "bert": NOBODY}
    office.network.answer = lambda _p, errand: answers[errand.recipient.address.localpart]
    await office.put("bob", "ben", "bert")
    await office.left(1)
    assert (await office.tried("ben", 1)).due == NOW + 300
    (dsn,) = await office.inbox()
    assert b"bert@b.test" in dsn
    assert b"ben@b.test" not in dsn.partition(b"message/rfc822")[0].partition(b"text/rfc822-headers")[0]


async def test_a_dead_host_rests_and_the_others_do_not(office: Office) -> None:
    office.network.unreachable["mx/b.test"] = DOWN
    for n in range(60):
        await office.put(f"n{n}")

    async def rests() -> bool:
        row = await office.site.store.read(_destination, "mx/b.test")
        return row is not None and row[1] > 0 and (await office.site.store.read(_left))[1] == 0

    await office.until(rests)
    tried = len(office.network.tries)
    await office.put("carl@c.test")
    await office.left(60)
    assert office.network.sent == ["carl@c.test"]
    assert office.network.tries[tried:] == ["mx/c.test"]
    office.network.unreachable.clear()
    await office.later(300)
    await office.left(0)
    assert len(office.network.sent) == 61


async def _destination(tx: Tx, name: str) -> tuple[int, int] | None:
    row = await tx.one("SELECT allowed, rest FROM destination WHERE name=$1", name)
    return None if row is None else (row[0], row[1])


async def test_a_host_that_closes_gets_the_rest_over_new_connections(office: Office) -> None:
    count = 0

    def third_closes(_parcel: Parcel, _errand: Errand) -> Outcome:
        nonlocal count
        count += 1
        return CLOSING if count % 3 == 0 else OK

    office.network.answer = third_closes
    for n in range(12):
        await office.put(f"n{n}", due=NOW + 10)
    await office.later(10)

    async def all_tried() -> bool:
        left, held = await office.site.store.read(_left)
        return count >= 12 and held == 0 and left == count // 3

    await office.until(all_tried)
    await office.later(300)
    while (await office.site.store.read(_left))[0]:
        await office.later(300)
        await asyncio.sleep(0)


# -- never ---------------------------------------------------------------------------------------------------------


async def test_a_failure_is_told_in_the_same_commit(office: Office) -> None:
    office.network.answer = lambda _p, _e: NOBODY
    await office.put("bob")
    await office.left(0)
    (dsn,) = await office.inbox()
    assert b"550 5.1.1 no such user" in dsn
    assert dsn.startswith(b"Return-Path: <>")


async def test_no_domain_no_host(office: Office) -> None:
    office.network.unknown["mx/b.test"] = Outcome(Kind.FAILED, 0, "5.1.2", "there is no such domain")
    await office.put("bob", "ben")
    await office.left(0)
    (dsn,) = await office.inbox()
    assert dsn.count(b"Action: failed") == 2
    assert office.network.wires == []


async def test_nobody_is_told_who_did_not_want_it(office: Office) -> None:
    office.network.answer = lambda _p, _e: NOBODY
    await office.put("bob", notify="NEVER")
    await office.put("ben", envelope=Envelope(None))
    await office.left(0)
    assert await office.inbox() == []


async def test_success_is_told_where_the_host_will_not(office: Office) -> None:
    answers = {"bob": OK, "ben": replace(OK, has_dsn=True)}
    office.network.answer = lambda _p, errand: answers[errand.recipient.address.localpart]
    await office.put("bob", "ben", notify="SUCCESS")
    await office.left(0)
    (dsn,) = await office.inbox()
    assert b"Action: relayed" in dsn
    assert b"Final-Recipient: rfc822; ben@b.test" not in dsn


async def test_delay_is_told_once_and_the_end_with_the_last_answer(office: Office) -> None:
    office.network.answer = lambda _p, _e: BUSY
    await office.put("bob", warn_at=1_000, expires=5_000)
    await office.tried("bob", 1)
    for seconds, attempts in ((300, 2), (600, 3)):
        await office.later(seconds)
        assert (await office.tried("bob", attempts)).due > NOW + 300
    await office.later(100)

    async def warned() -> bool:
        return len(await office.inbox()) == 1

    await office.until(warned)
    (delay,) = await office.inbox()
    assert b"Action: delayed" in delay
    await office.later(4_000)
    await office.quiet()
    await office.later(limit.QUEUE_CLOCK_AGAIN_S)  # it may have been on its way just then, once more
    await office.left(0)
    (_, end) = await office.inbox()
    assert b"Action: failed" in end
    assert b"451 4.3.0 not now" in end


async def test_what_waits_for_a_dead_host_is_told_of_and_given_up_in_time(office: Office) -> None:
    office.network.unreachable["mx/b.test"] = DOWN
    for n in range(120):
        await office.put(f"n{n}", warn_at=3_000, expires=6_500)

    async def rests() -> bool:
        row = await office.site.store.read(_destination, "mx/b.test")
        return row is not None and row[1] > 0 and (await office.site.store.read(_left))[1] == 0

    await office.until(rests)
    office.network.tries.clear()
    for seconds, told in ((3_000, 120), (3_500, 240)):
        await office.later(seconds)
        await office.quiet()
        await office.later(limit.QUEUE_CLOCK_AGAIN_S)  # for those that were on their way just then
        await office.quiet()
        assert len(await office.inbox()) == told
    assert await office.site.store.read(_left) == (0, 0)


async def test_a_sender_who_is_gone_is_not_told(office: Office) -> None:
    office.network.answer = lambda _p, _e: NOBODY
    await office.put("bob", envelope=Envelope(Address("gone", "a.example")))
    await office.left(0)


# -- here ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quotas", [(10, 0), (0, 1)])
async def test_a_full_mailbox_has_it_when_there_is_room(office: Office, quotas: tuple[int, int]) -> None:
    store = office.site.store
    if quotas[1]:  # and so many are there already
        await store.write(message.deliver, made_up("first"), [Placing(office.anna.id, office.anna.inbox, 0)], NOW)
    await store.write(account.set_quota, office.anna.id, *quotas)
    await office.put("anna@a.example", destination=LOCAL, account=office.anna.id, notify="SUCCESS")
    it = await office.tried("anna", 1)
    assert it.reason is not None and it.reason.status == "4.2.2"
    await store.write(account.set_quota, office.anna.id, 1_000_000)
    await office.later(300)
    await office.left(0)
    kept, dsn = (await office.inbox())[-2:]
    assert kept == (
        b"Return-Path: <anna@a.example>\r\nDelivered-To: anna@a.example\r\nReceived: x\r\n"
        b"Subject: to anna@a.example\r\n\r\nto anna@a.example\r\n"
    )
    assert b"Action: delivered" in dsn


async def test_an_account_that_went_away(office: Office) -> None:
    await office.put("otto@a.example", destination=LOCAL, account=99)
    await office.left(0)
    (dsn,) = await office.inbox()
    assert b"5.1.1" in dsn


# -- the end of a worker -------------------------------------------------------------------------------------------


async def test_a_worker_that_stops_finishes_its_parcel_and_leaves_the_rest(office: Office) -> None:
    office.network.gate.clear()
    for n in range(6):
        await office.put(f"n{n}", due=NOW + 1)
    await office.put("carl@c.test")
    await office.sent(1)
    await office.later(1)
    await office.sent(3)
    stopping = asyncio.create_task(office.runner.stop(30))
    await asyncio.sleep(0)
    office.network.gate.set()
    await stopping
    left, held = await office.site.store.read(_left)
    assert held == 0
    assert left == 7 - len(office.network.sent)
    assert left >= 3  # the second of each connection


async def test_what_was_claimed_in_the_last_moment_has_its_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.network.gate.clear()
    write = office.site.store.write
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(fn: Callable[..., Awaitable[object]], *args: object, **kwargs: object) -> object:
        found = await write(fn, *args, **kwargs)
        if fn is claim_suspects:
            begun.set()
            await goes_on.wait()
        return found

    monkeypatch.setattr(office.site.store, "write", slow)
    await office.put("bob")
    await begun.wait()
    stopping = asyncio.create_task(office.runner.stop(30))
    for _ in range(10):
        await asyncio.sleep(0)
    goes_on.set()
    await office.sent(1)
    office.network.gate.set()
    await stopping
    assert await office.site.store.read(_left) == (0, 0)


async def test_a_worker_that_cannot_wait_lets_go_of_its_claims(office: Office) -> None:
    office.network.gate.clear()
    await office.put("bob")
    await office.sent(1)
    await office.runner.stop(0)
    assert await office.site.store.read(_left) == (1, 0)
    assert (await office.site.store.write(loads.claim, "w/2", NOW, NOW + 9, 1, 1, suspects=True)) != []
    await office.site.store.write(loads.free_worker, "w/2")


async def test_the_load_of_a_worker_that_died_is_carried_by_another(office: Office) -> None:
    await office.runner.stop(0)
    await office.put("bob")
    await office.site.store.write(loads.claim, "dead/1/x", NOW, NOW + 300, 1, 50, suspects=True)
    heir = await make_office(office.site.store, Path(office.site.spool_folder), office.anna, "w/2/x")
    heir.runner.start()

    await heir.later(limit.QUEUE_LEASE_S)

    async def is_sent() -> bool:  # once it was seen for a while that nobody renews it
        await heir.site.store.read(queue.agenda)  # the runner reads meanwhile, so the clock does not run away from it
        await heir.later(1)
        return heir.network.sent != []

    await heir.until(is_sent)
    await heir.left(0)
    assert heir.network.sent == ["bob@b.test"]
    await heir.runner.stop(0)


async def test_what_was_dropped_is_not_tried_again_by_the_next_worker(office: Office) -> None:
    office.network.gate.clear()
    for name in ("one", "two"):
        await office.put(name, due=NOW + 1)
    await office.site.store.write(_one_connection)
    await office.later(1)
    await office.sent(1)
    await office.site.store.write(postmaster.act, Act.DROP, Which(), 0, 10, int(office.clock.now()))

    async def is_later() -> bool:  # for they are on their way
        return (await office.site.store.read(queue.agenda)).clock > office.clock.now()

    await office.until(is_later)
    await office.runner.stop(0)
    heir = await make_office(office.site.store, Path(office.site.spool_folder), office.anna, "w/2/x")
    await heir.later(1)
    heir.runner.start()
    await heir.put("three")
    await heir.sent(1)
    await heir.later(limit.QUEUE_CLOCK_AGAIN_S)
    await heir.left(0)
    assert heir.network.sent == ["three@b.test"]
    await heir.runner.stop(0)


async def test_an_error_of_ours_does_not_end_the_renewing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = asyncio.Event()
    faults: list[Exception] = [RuntimeError("ours")]

    async def breaks(*_args: object, **_kwargs: object) -> None:
        if faults:
            raise faults.pop()
        seen.set()

    monkeypatch.setattr("posthaus.flow.queue.release_dead", breaks)
    monkeypatch.setattr(limit, "QUEUE_RENEW_S", 0.01)
    made = await make_office(store, tmp_path, await person(store, "anna"))
    made.runner.start()
    async with asyncio.timeout(_SOON_S):
        await seen.wait()
    await made.runner.stop(0)
    assert [line for line in made.lines if "queue.renew-defect" in line]


async def test_what_is_on_its_way_stays_ours_when_the_clock_has_jumped(office: Office) -> None:
    office.network.gate.clear()
    await office.put("bob")
    await office.sent(1)
    await office.later(limit.QUEUE_LEASE_S + 1)  # the machine slept, and nothing was renewed
    await office.put("carl@c.test")
    await office.sent(2)
    office.network.gate.set()
    await office.left(0)
    assert office.network.sent == ["bob@b.test", "carl@c.test"]


async def test_an_error_of_ours_defers_and_harms_nobody_else(office: Office) -> None:
    def breaks(_parcel: Parcel, errand: Errand) -> Outcome:
        if errand.recipient.address.localpart == "bob":
            raise RuntimeError("ours")
        return OK

    office.network.answer = breaks
    await office.put("bob")
    it = await office.tried("bob", 1)
    assert it.reason is not None and it.reason.status == "4.3.0"
    await office.put("ben")
    await office.left(1)
    assert [line for line in office.lines if "queue.defect" in line]
    office.lines.clear()


# -- handed over by a session ----------------------------------------------------------------------------------------


async def _busy(office: Office) -> None:
    """One connection to b.test that has worked and is busy with the next message."""

    def answer(_parcel: Parcel, _errand: Errand) -> Outcome:
        office.network.gate.clear()
        return OK

    office.network.answer = answer
    for name in ("one", "two"):
        await office.put(name, due=NOW + 1)
    await office.site.store.write(_one_connection)
    await office.later(1)
    await office.sent(2)
    office.network.answer = lambda _parcel, _errand: OK


async def _one_connection(tx: Tx) -> None:
    await tx.run("UPDATE destination SET allowed=1")


def _plan(office: Office, name: str, *, hold: bool = False) -> Plan:
    now = int(office.clock.now())
    times = Times(now + 10 if hold else now, now + DAY, 0)
    way = Way(b"Received: y\r\n", (Recipient(Address(name, "b.test")),), ANNA)
    return Plan(made_up(f"to {name}"), USUAL, f"tid-{name}", times, b"", ways=(way,))


async def _session(office: Office, name: str, *, hold: bool = False) -> None:
    """As flow/deliver.py does it."""
    with office.site.handover.passing() as passing:
        plan = _plan(office, name, hold=hold)
        await office.site.store.write(keep, plan, passing, None, HERE, int(office.clock.now()))


async def _loads(tx: Tx) -> dict[str, int]:
    return {row[0]: row[1] for row in await tx.all("SELECT localpart, load FROM errand")}


async def test_what_a_session_puts_in_goes_over_a_connection_that_is_there(office: Office) -> None:
    await _busy(office)
    await _session(office, "three")
    await _session(office, "later", hold=True)
    found = await office.site.store.read(_loads)
    assert found["three"] == found["two"] != 0
    assert found["later"] == 0
    office.network.gate.set()
    await office.left(1)
    assert office.network.sent == ["one@b.test", "two@b.test", "three@b.test"]
    assert office.network.wires[0].octets[2].startswith(b"Received: y\r\nSubject: to three")
    assert len(office.network.wires) == 1


async def test_a_connection_takes_a_few_along_and_the_others_wait(office: Office) -> None:
    await _busy(office)
    for n in range(limit.QUEUE_HANDED):
        await _session(office, f"n{n}")
    assert list((await office.site.store.read(_loads)).values()).count(0) == 1
    office.network.gate.set()
    await office.left(0)
    assert len(office.network.sent) == 2 + limit.QUEUE_HANDED


@pytest.mark.parametrize("batch_s", [0.0, 1.0])
async def test_a_connection_takes_from_sessions_for_so_many_or_so_long(
    office: Office, monkeypatch: pytest.MonkeyPatch, batch_s: float
) -> None:
    monkeypatch.setattr(limit, "QUEUE_ERRANDS_PER_LOAD", 2)
    monkeypatch.setattr(limit, "QUEUE_BATCH_S", batch_s)
    await _busy(office)

    def answer(parcel: Parcel, errand: Errand) -> Outcome:
        if errand.recipient.address.localpart == "four":
            office.network.gate.clear()
        return OK

    office.network.answer = answer
    for name in ("three", "four", "five"):
        await _session(office, name)
    office.network.gate.set()
    await office.sent(5)  # two were claimed and two more taken along; the fifth waited already
    await _session(office, "six")
    found = await office.site.store.read(_loads)
    assert (found["six"] == found["five"]) is (batch_s > 0)
    office.network.gate.set()
    await office.left(0)
    assert len(office.network.sent) == 6


async def test_what_nobody_waited_for_is_given_back_by_the_load(office: Office) -> None:
    await _busy(office)
    with pytest.raises(asyncio.CancelledError), office.site.handover.passing() as passing:
        plan = _plan(office, "three")
        await office.site.store.write(keep, plan, passing, None, HERE, int(office.clock.now()))
        raise asyncio.CancelledError  # the session was cut off, and the write stands
    assert (await office.site.store.read(_loads))["three"] != 0
    office.network.gate.set()
    await office.left(0)
    assert sorted(office.network.sent) == ["one@b.test", "three@b.test", "two@b.test"]


async def test_nothing_is_handed_to_a_load_that_ran_out(office: Office) -> None:
    await _busy(office)
    load = (await office.site.store.read(_loads))["two"]
    await office.site.store.write(loads.free_worker, "w/1")
    await _session(office, "three")
    assert (await office.site.store.read(_loads))["three"] != load
    office.network.gate.set()
    await office.left(0)
    assert office.network.sent.count("three@b.test") == 1


async def test_a_worker_that_stops_leaves_what_was_handed_over(office: Office) -> None:
    await _busy(office)
    await _session(office, "three")
    await office.runner.stop(0)
    assert await office.site.store.read(_loads) == {"two": 0, "three": 0}


async def test_whose_mailbox_went_away_is_not_told_and_the_record_is_kept(office: Office) -> None:
    async def set_inbox(tx: Tx, state: int) -> None:
        await tx.run("UPDATE mailbox SET state=$2 WHERE id=$1", office.anna.inbox, state)

    await office.site.store.write(set_inbox, 2)
    office.network.answer = lambda parcel, errand: NOBODY
    await office.put("otto")
    await office.left(0)
    now = int(office.clock.now())
    (only,) = await office.site.store.read(record.of_transaction, "tid-otto", NOW, now)
    assert (only.kind, only.words["text"]) == (record.Kind.FAILED, "no such user")
    assert any("queue.nobody-told" in line for line in office.lines)
    await office.site.store.write(set_inbox, 0)


async def _fail_together(office: Office, prepare: Callable[[Tx, int], Awaitable[None]]) -> None:
    """Three messages of Anna's and three of Ben's, over one connection, after prepare(tx, 2)."""
    office.network.answer = lambda parcel, errand: NOBODY
    for n in range(3):
        await office.put(f"otto{n}", due=NOW + 1)
        await office.put(f"uli{n}", due=NOW + 1, envelope=Envelope(Address("ben", "a.example")))
    await office.site.store.write(prepare, 2)
    await office.later(1)
    await office.left(0)
    assert len(office.network.wires) == 1


async def test_whose_mailbox_went_away_silences_nobody_else(office: Office) -> None:
    """Though what became of both is settled together."""
    ben = await person(office.site.store, "ben")

    async def prepare(tx: Tx, state: int) -> None:
        await tx.run("UPDATE mailbox SET state=$2 WHERE id=$1", office.anna.inbox, state)
        await tx.run("UPDATE destination SET allowed=1")

    await _fail_together(office, prepare)
    assert len(await office.site.store.read(_bodies, ben)) == 3
    for n in range(3):
        told = await office.site.store.read(record.of_transaction, f"tid-otto{n}", NOW, NOW + 1)
        assert [entry.kind for entry in told] == [record.Kind.FAILED]
    await office.site.store.write(prepare, 0)
    assert await office.inbox() == []


async def test_whose_mailbox_is_full_is_told_beside_one_whose_mailbox_went_away(office: Office) -> None:
    ben = await person(office.site.store, "ben")

    async def prepare(tx: Tx, state: int) -> None:
        await tx.run("UPDATE mailbox SET state=$2 WHERE id=$1", ben.inbox, state)
        await tx.run("UPDATE destination SET allowed=1")

    await office.site.store.write(account.set_quota, office.anna.id, 1, 1)
    await _fail_together(office, prepare)
    told = await office.inbox()
    assert [sum(f"otto{n}@b.test".encode() in one for one in told) for n in range(3)] == [1, 1, 1]
    assert len([line for line in office.lines if "queue.nobody-told" in line]) == 3
    await office.site.store.write(prepare, 0)
