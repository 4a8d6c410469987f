"""What became of TLS, from sessions to rows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.base.dns import Tlsa
from posthaus.base.log import Log
from posthaus.flow.demand import PolicyFailure
from posthaus.flow.hop import Demand, Host, NextHop
from posthaus.flow.relay import TlsFailure
from posthaus.flow.tlscount import DAY_S, TlsCounter
from posthaus.store import tlsresult
from posthaus.store.store import Store, open_store
from posthaus.store.tlsresult import Counted, Result
from posthaus.testing.clock import JumpClock

POLICY = ("version: STSv1", "mode: enforce")
STS = Host("mx.b.test", ("192.0.2.2",), demand=Demand.VERIFIED, names=("mx.b.test",), policy="sts")
DANE = Host("mx.b.test", ("192.0.2.2",), demand=Demand.DANE, tlsa=(Tlsa(3, 1, 1, b"\xab\xcd"),), policy="tlsa")
FAILURE = TlsFailure("certificate-expired", "too old", "192.0.2.1", "mail.b.test")


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = JumpClock(frozen=True)
        self.lines: list[str] = []
        self.counter = TlsCounter(store, self.clock, Log(self.clock, self.lines.append))

    @property
    def today(self) -> int:
        return int(self.clock.now()) // DAY_S

    async def counted(self, day: int) -> list[Counted]:
        await self.counter.flush()
        return await self.store.read(tlsresult.of_day, day, "b.test")

    def session(self, host: Host, failure: TlsFailure | None = None) -> None:
        hop = NextHop("mx/b.test", "b.test", (host,), POLICY, "b.test")
        self.counter.session(hop, host, "192.0.2.2", failure)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await open_store("sqlite:", tmp_path)
    here = World(store)
    yield here
    await here.store.close()


async def test_sessions(world: World) -> None:
    for failure in (None, None, FAILURE):
        world.session(STS, failure)
    world.session(DANE)
    found = await world.counted(world.today)
    assert found == [
        Counted(Result(world.today, "b.test", "sts", POLICY), 2),
        Counted(
            Result(
                world.today, "b.test", "sts", POLICY,
                "certificate-expired", "192.0.2.1", "mx.b.test", "192.0.2.2", "mail.b.test", "too old",
            ),
            1,
        ),
        Counted(Result(world.today, "b.test", "tlsa", ("3 1 1 ABCD",)), 1),
    ]  # fmt: skip


async def test_policies(world: World) -> None:
    world.counter.policy(PolicyFailure("b.test", "sts", "validation-failure", "not named", "mx3.b.test", POLICY))
    (one,) = await world.counted(world.today)
    assert (one.result.kind, one.result.host, one.result.policy_text) == ("validation-failure", "mx3.b.test", POLICY)


async def test_smart_hosts_are_not_counted(world: World) -> None:
    host = Host("relay.test", ("192.0.2.2",), policy="smarthost")
    world.counter.session(NextHop("smarthost/one", "", (host,)), host, "192.0.2.2", FAILURE)
    assert await world.counted(world.today) == []


async def test_nothing_where_nobody_is_told(world: World) -> None:
    world.counter = TlsCounter(world.store, world.clock, Log(world.clock, world.lines.append), is_on=False)
    world.session(STS)
    assert await world.counted(world.today) == []


async def test_by_day(world: World) -> None:
    first = world.today
    world.session(STS)
    world.clock.jump(DAY_S)
    world.session(STS)
    assert len(await world.counted(first)) == len(await world.counted(first + 1)) == 1


async def test_what_cannot_be_written_is_kept(world: World, tmp_path: Path) -> None:
    await world.store.close()
    world.session(STS)
    await world.counter.flush()
    assert any("tlsrpt.not-counted" in line for line in world.lines)
    world.store = await open_store("sqlite:", tmp_path)
    world.counter._store = world.store
    assert len(await world.counted(world.today)) == 1


async def test_runs_until_cancelled(world: World) -> None:
    world.session(STS)
    running = asyncio.ensure_future(world.counter.run(every_s=0.0))
    while not await world.store.read(tlsresult.of_day, world.today, "b.test"):  # noqa: ASYNC110  (a commit has no event)
        await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
