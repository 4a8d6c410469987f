"""A wall clock that jumps, forth or back: nothing is lost, sent twice or kept for days, and nobody is told too soon."""

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.flow.test_queue import ANNA, BUSY, DOWN, NOW, Office, make_office

from posthaus.base import limit
from posthaus.base.setting import SendSetting, Settings, StoreSetting
from posthaus.flow.setback import nearer
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import load as loads
from posthaus.store import postmaster, queue
from posthaus.store.load import Claim
from posthaus.store.postmaster import Act, Which
from posthaus.store.queue import Errand, State
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.kit import AsyncOffice, server
from posthaus.testing.remote import Remote, remote_mx
from posthaus.testing.storehouse import Databases, Storehouse, person
from posthaus.testing.zone import zone

DAY = 86_400
HOUR = 3_600
ALICE, BOB = "alice@example.test", "bob@b.test"
LATER = "451 4.3.0 not now"
_SOON_S = 30.0


# -- the whole server, and a host that it sends to -----------------------------------------------------------------


@dataclass(slots=True)
class World:
    office: AsyncOffice
    mx: Remote

    async def submit(self, *options: str) -> None:
        await asyncio.to_thread(self._submit, options)

    def _submit(self, options: Sequence[str]) -> None:
        with smtplib.SMTP("127.0.0.1", self.office.port("submission"), local_hostname="client.test") as smtp:
            smtp.starttls(context=self.office.context)
            smtp.login(ALICE, "secret")
            smtp.sendmail(ALICE, [BOB], b"From: alice@example.test\r\nSubject: x\r\n\r\nhello\r\n", list(options))

    def step(self, seconds: float) -> None:
        """The wall clock alone."""
        self.office.clock.step(seconds)
        self._wake()

    async def jump(self, seconds: float) -> None:
        await self.office.jump(seconds)
        self._wake()

    def _wake(self) -> None:
        assert self.office.app.queue is not None
        self.office.app.queue.wake()

    async def tried(self, attempts: int) -> Errand:
        """What waits in the queue, after so many tries."""

        async def is_so() -> bool:
            return [one.attempts for one in await self.waiting()] == [attempts]

        await until(is_so)
        return (await self.waiting())[0]

    async def waiting(self) -> list[Errand]:
        found = await self.office.app.store.read(postmaster.listing, Which(), 0, 9)
        return [one.errand for one in found if not one.is_claimed]

    async def arrived(self, count: int = 1) -> None:
        async def is_so() -> bool:
            return len(self.mx.messages) == count and not await self.office.app.store.read(_errands)

        await until(is_so)

    async def told(self) -> list[str]:
        return [action for octets in await self.office.messages(ALICE) for action in _actions(octets)]


def _actions(octets: bytes) -> list[str]:
    return [line[8:].decode() for line in octets.split(b"\r\n") if line.startswith(b"Action: ")]


async def _errands(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand")
    assert row is not None
    return int(row[0])


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_SOON_S):
        while not await is_so():  # noqa: ASYNC110  (a commit has no event)
            await asyncio.sleep(0)


@pytest.fixture(params=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    url = "sqlite:"
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    async with contextlib.AsyncExitStack() as stack:
        mx = await stack.enter_async_context(remote_mx())
        dns = await stack.enter_async_context(zone({"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": {"A": [mx.host]}}))
        settings = Settings(store=StoreSetting(url=url), send=SendSetting(resolvers=(dns.place,), port=mx.port))
        office = await stack.enter_async_context(server(settings=settings))
        await office.account(ALICE, "secret")
        yield World(office, mx)


async def test_back_by_days_a_next_try_is_not_days_away(world: World) -> None:
    world.mx.orders["RCPT"] = [LATER]
    await world.submit()
    await world.tried(1)
    world.step(-3 * DAY)
    await world.arrived()
    await world.submit()  # and what comes now goes now
    await world.arrived(2)
    assert await world.told() == []


async def test_back_while_it_waits_it_does_not_get_older_than_it_may(world: World) -> None:
    """It came on a day that is yet to come, and is given up five days from now and not from then."""
    world.mx.orders["RCPT"] = LATER
    await world.submit()
    await world.tried(1)
    world.step(-30 * DAY)
    await world.tried(2)
    for attempts, seconds in ((3, 5 * DAY - 2 * HOUR), (4, HOUR), (5, HOUR - 60)):
        await world.jump(seconds)
        await world.tried(attempts)
    await world.jump(60)
    await world.jump(limit.QUEUE_CLOCK_AGAIN_S)  # it may have been on its way just then
    await until(lambda: _is_empty(world))
    assert await world.told() == ["delayed", "failed"]


async def _is_empty(world: World) -> bool:
    return not await world.office.app.store.read(_errands)


async def test_forward_by_days_nothing_is_given_up_untried(world: World) -> None:
    world.mx.orders["RCPT"] = [LATER]
    await world.submit()
    await world.tried(1)
    world.step(6 * DAY)
    await world.arrived()
    assert await world.told() == []


async def test_forward_by_days_it_has_an_hour_and_then_it_is_given_up(world: World) -> None:
    world.mx.orders["RCPT"] = LATER
    await world.submit()
    await world.tried(1)
    world.step(6 * DAY)
    await world.tried(2)
    for attempts, seconds in ((3, 600), (4, 1_200)):
        await world.jump(seconds)
        await world.tried(attempts)
    assert await world.told() == []
    await world.jump(limit.QUEUE_LAST_CHANCE_S)
    await world.jump(limit.QUEUE_CLOCK_AGAIN_S)
    await until(lambda: _is_empty(world))
    assert await world.told() == ["failed"]


async def test_forward_and_put_right_within_the_hour_nothing_has_happened(world: World) -> None:
    world.mx.orders["RCPT"] = [LATER, LATER, LATER]
    await world.submit()
    await world.tried(1)
    world.step(400 * DAY)
    await world.tried(2)
    world.step(-400 * DAY)
    await world.tried(3)
    await world.jump(HOUR)
    await world.arrived()
    assert await world.told() == []


async def test_a_deadline_is_one_by_the_clock_there_is(world: World) -> None:
    """RFC 2852 §4: what is late is returned, and not sent."""
    world.mx.orders["RCPT"] = LATER
    world.mx.keywords = (*world.mx.keywords, "DELIVERBY")
    await world.submit(f"BY={2 * DAY};R")
    await world.tried(1)
    world.step(6 * DAY)
    await until(lambda: _is_empty(world))
    assert (await world.told())[-1] == "failed"
    assert len([line for line in world.mx.commands if line.startswith("RCPT")]) == 1


async def test_what_is_held_for_some_time_is_not_held_for_days(world: World) -> None:
    await world.submit("HOLDFOR=7200")
    before = (await world.tried(0)).due
    world.step(-20 * DAY)

    async def is_near() -> bool:
        (it,) = await world.waiting()
        return abs(it.due - (before - 20 * DAY)) < 60

    await until(is_near)
    assert world.mx.messages == []
    await world.jump(2 * HOUR)
    await world.arrived()


# -- a runner and a network, by steps ------------------------------------------------------------------------------


@pytest.fixture
async def office(store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    made = await make_office(store, tmp_path, await person(store, "anna"))
    yield made
    await made.runner.stop(0)
    assert not [line for line in made.lines if " defect " in line]


def step(office: Office, seconds: float) -> None:
    office.clock.step(seconds)
    office.runner.wake()


async def _until_of(tx: Tx) -> int:
    row = await tx.one("SELECT max(until) FROM load")
    return 0 if row is None or row[0] is None else int(row[0])


async def test_whose_clock_is_ahead_takes_nothing_that_is_renewed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers; the message is on its way from one when the clock of the other jumps."""
    monkeypatch.setattr(limit, "QUEUE_RENEW_S", 0.01)
    other = await make_office(office.site.store, office.site.spool_folder, office.anna, "elsewhere/2/x")
    try:
        await _carry_while_another_is_ahead(office, other)
    finally:
        await other.runner.stop(0)
    assert office.network.sent == ["bob@b.test"]
    assert set(other.network.sent) == {"other@b.test"}


async def _carry_while_another_is_ahead(office: Office, other: Office) -> None:
    office.network.gate.clear()
    office.runner.start()
    await office.put("bob")
    await office.sent(1)
    other.runner.start()
    step(other, DAY)
    for _ in range(8):
        until_before = await office.site.store.read(_until_of)
        office.clock.jump(20)

        async def is_renewed(before: int = until_before) -> bool:
            return await office.site.store.read(_until_of) > before

        await office.until(is_renewed)
        await other.later(20)
        await other.put("other")  # and it is seen to have looked
        await other.until(lambda: _has_nothing_of(other))
    office.network.gate.set()
    await office.left(0)


async def _has_nothing_of(office: Office) -> bool:
    row = await office.site.store.read(_others)
    return row == 0 and not office.runner.on_its_way


async def _others(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand WHERE localpart='other'")
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("seconds", [DAY, -DAY, 400 * DAY, -400 * DAY])
async def test_the_load_of_a_dead_worker_is_free_soon_whatever_the_clock_shows(office: Office, seconds: int) -> None:
    await office.put("bob", expires=900 * DAY)
    assert await office.site.store.write(loads.claim, "dead/1/x", NOW, NOW + 300, 1, 50, suspects=True)
    office.clock.step(seconds)
    office.runner.start()
    passed = 0.0

    async def is_sent() -> bool:
        nonlocal passed
        await office.site.store.read(_errands)  # the runner reads meanwhile, so the clock does not run away from it
        await office.later(10)
        passed += 10
        return office.network.sent != []

    await office.until(is_sent)
    await office.left(0)
    assert passed >= limit.QUEUE_SILENT_S


async def test_what_is_on_its_way_is_settled_whatever_the_clock_shows(office: Office) -> None:
    office.runner.start()
    for seconds in (DAY, -3 * DAY, 40 * DAY, -400 * DAY):
        office.network.gate.clear()
        count = len(office.network.sent)
        await office.put(f"n{count}")
        await office.sent(count + 1)
        step(office, seconds)
        await office.put(f"m{count}@c.test")
        await office.sent(count + 2)
        office.network.gate.set()
        await office.left(0)
    assert len(office.network.sent) == 8


async def test_a_rest_is_not_days_long(office: Office) -> None:
    office.network.unreachable["mx/b.test"] = DOWN
    office.runner.start()
    for n in range(20):
        await office.put(f"n{n}")

    async def rests() -> bool:
        found = await office.site.store.read(postmaster.counts)
        return found[0].rest > 0 and found[0].claimed == 0

    await office.until(rests)
    office.network.unreachable.clear()
    step(office, -9 * DAY)
    await office.left(0)
    assert len(office.network.sent) == 20


async def test_who_starts_after_the_clock_went_back_finds_it_out(office: Office) -> None:
    await office.put("bob")
    await office.put("ben", due=NOW + 300)
    office.clock.step(-100 * DAY)
    office.runner.start()
    await office.left(0)
    assert sorted(office.network.sent) == ["ben@b.test", "bob@b.test"]


async def test_two_workers_find_it_out_at_the_same_time(house: Storehouse, tmp_path: Path) -> None:
    one, other = await house.open(), await house.open()
    anna = await person(one, "anna")
    offices = [await make_office(one, tmp_path, anna), await make_office(other, tmp_path, anna, "w/2/x")]
    for n in range(60):
        await offices[0].put(f"n{n}@{n % 7}.test", due=NOW + n)
    for it in offices:
        it.clock.step(-100 * DAY)
        it.runner.start()
    try:
        await offices[0].left(0)
    finally:
        for it in offices:
            await it.runner.stop(0)
    sent = offices[0].network.sent + offices[1].network.sent
    assert sorted(sent) == sorted(f"n{n}@{n % 7}.test" for n in range(60))


async def test_what_was_put_in_just_then_is_found_a_lease_later(office: Office) -> None:
    """By a session that had read the clock before it went back."""
    office.runner.start()
    await office.put("bob")
    await office.left(0)
    step(office, -DAY)
    await office.put("ben")
    await office.left(0)
    await office.put("bert", due=NOW + 60)
    await office.later(limit.QUEUE_LEASE_S)
    await office.left(0)
    assert office.network.sent == ["bob@b.test", "ben@b.test", "bert@b.test"]


async def test_a_house_that_was_down_for_a_week_tries_once_more(office: Office) -> None:
    """Of two hosts one takes what has got old, the other is dead as before; nothing is told before it was tried."""
    await office.put("bob", "carl@c.test")
    await office.later(7 * DAY)
    office.network.unreachable["mx/c.test"] = DOWN
    office.runner.start()
    await office.left(1)
    assert office.network.sent == ["bob@b.test"]
    assert await office.inbox() == []
    await office.later(limit.QUEUE_LAST_CHANCE_S)

    async def is_given_up() -> bool:
        await office.later(limit.QUEUE_CLOCK_AGAIN_S)
        return not await office.site.store.read(_errands)

    await office.until(is_given_up)
    (notice,) = await office.inbox()
    assert b"Action: failed" in notice and b"carl@c.test" in notice and b"cannot connect" in notice


async def test_what_a_person_gives_back_meanwhile_is_given_back(office: Office) -> None:
    office.network.answer = lambda _parcel, _errand: BUSY
    await office.put("bob", "ben")
    await office.site.store.write(postmaster.act, Act.RETURN, Which(localpart="bob"), 0, 9, NOW)
    await office.later(7 * DAY)
    office.runner.start()
    await office.tried("ben", 1)

    async def is_told() -> bool:
        return len(await office.inbox()) == 1

    await office.until(is_told)
    assert b"bob@b.test" in (await office.inbox())[0]


async def test_a_delay_that_was_told_is_not_told_again(office: Office) -> None:
    office.network.answer = lambda _parcel, _errand: BUSY
    office.runner.start()
    await office.put("bob", warn_at=1_000, expires=5 * DAY)
    await office.tried("bob", 1)
    await office.later(1_000)
    for seconds in (-3 * DAY, DAY, -2 * HOUR, 2 * DAY):
        await office.until(lambda: _is_told_and_quiet(office))
        step(office, seconds)
        await office.later(HOUR)
    await office.until(lambda: _is_told_and_quiet(office))
    assert len(await office.inbox()) == 1


async def _is_told_and_quiet(office: Office) -> bool:
    await office.quiet()
    return len(await office.inbox()) >= 1


# -- what is far ahead by right ------------------------------------------------------------------------------------


def _claim(envelope: Envelope, *, created: int, due: int) -> Claim:
    parcel = queue.Parcel(1, "t", envelope, 1, "", 9, created, due + 5 * DAY, due + 4 * HOUR)
    errand = Errand(1 << 16, 1, Recipient(Address("bob", "b.test")), "mx/b.test", 0, due, State.WAITING, None)
    return Claim(parcel, (errand,))


def test_what_is_to_be_held_until_a_day_is_held_until_that_day() -> None:
    later = NOW + 200 * DAY
    envelope = Envelope(ANNA, hold_until=later)
    assert nearer(_claim(envelope, created=NOW, due=later), NOW) is None
    assert nearer(_claim(envelope, created=NOW, due=later), NOW - 30 * DAY) is None
    assert nearer(_claim(envelope, created=NOW, due=later + HOUR), NOW - 30 * DAY) is not None  # a try that is over


def test_a_small_difference_of_clocks_is_none() -> None:
    assert nearer(_claim(Envelope(ANNA), created=NOW, due=NOW), NOW - limit.QUEUE_LEASE_S) is None
    assert nearer(_claim(Envelope(ANNA), created=NOW - DAY, due=NOW + HOUR), NOW) is None


def test_what_came_later_than_now_is_as_if_it_had_come_now() -> None:
    it = nearer(_claim(Envelope(ANNA), created=NOW, due=NOW), NOW - DAY)
    assert it is not None
    assert (it.created, it.expires, it.warn_at) == (NOW - DAY, NOW + 4 * DAY, NOW - DAY + 4 * HOUR)
    assert [due for _, due in it.errands] == [NOW - DAY]
    assert nearer(_claim(Envelope(ANNA), created=it.created, due=it.created), NOW - DAY) is None
