"""Keys over time: used when DNS has them, at the time that was said, and never both at once."""

import pytest
from tests.check.keys import ED25519_RECORD, Zone

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.check.keyrecord import record_name
from posthaus.flow.rotate import free_selector, is_seen, make_key, rotate_once
from posthaus.store import directory, dkimkey, lease
from posthaus.store.dkimkey import ACTIVE, PUBLISHED, RETIRED
from posthaus.store.error import Locked, NoSuchKey
from posthaus.store.store import Store
from posthaus.testing.clock import JumpClock

NOW = 1_700_000_000
DOMAIN = "a.test"


class Round:
    """Rounds of the job at a time that we say."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lines: list[str] = []
        self.zone = Zone()

    async def add(self, algorithm: str, active_from: int = 0) -> str:
        taken = [one.selector for one in await self.store.read(dkimkey.listing)]
        new = make_key(DOMAIN, algorithm, NOW, taken)
        await self.store.write(dkimkey.add, new, NOW, active_from)
        return new.selector

    async def publish(self, selector: str) -> None:
        key = await self.store.read(dkimkey.find, DOMAIN, selector)
        self.zone.names[record_name(selector, DOMAIN), "TXT"] = [key.public.encode()]

    async def run(self, at: int, *, dns: bool = True) -> int:
        clock = JumpClock(at, frozen=True)
        log = Log(clock, self.lines.append)
        return await rotate_once(self.store, self.zone if dns else None, clock, log, "w/1")

    async def states(self) -> dict[str, int]:
        return {one.selector: one.state for one in await self.store.read(dkimkey.listing)}


@pytest.fixture
async def rounds(store: Store) -> Round:
    await store.write(directory.add_domain, DOMAIN, NOW)
    return Round(store)


async def test_a_key_waits_for_its_record(rounds: Round) -> None:
    first = await rounds.add("ed25519")
    assert await rounds.run(NOW) == 0
    assert await rounds.run(NOW, dns=False) == 0
    rounds.zone.names[record_name(first, DOMAIN), "TXT"] = None  # DNS has trouble
    assert await rounds.run(NOW) == 0
    rounds.zone.names[record_name(first, DOMAIN), "TXT"] = [ED25519_RECORD]  # another key
    assert await rounds.run(NOW) == 0
    await rounds.publish(first)
    assert await rounds.run(NOW) == 1
    assert await rounds.states() == {first: ACTIVE}
    assert any("dkim.active" in line for line in rounds.lines)

    second = await rounds.add("ed25519")
    other = await rounds.add("rsa")
    assert await rounds.states() == {first: ACTIVE, second: PUBLISHED, other: PUBLISHED}
    await rounds.publish(second)
    await rounds.publish(other)
    assert await rounds.run(NOW + 1) == 2
    assert await rounds.states() == {first: RETIRED, second: ACTIVE, other: ACTIVE}

    # The record of a retired key stays for a while; then its private octets go.
    number = (await rounds.store.read(dkimkey.find, DOMAIN, first)).id
    assert await rounds.run(NOW + int(limit.DKIM_RECORD_KEPT_S)) == 0
    assert await rounds.store.read(dkimkey.private, number)
    assert await rounds.run(NOW + int(limit.DKIM_RECORD_KEPT_S) + 1) == 1
    with pytest.raises(NoSuchKey):
        await rounds.store.read(dkimkey.private, number)


async def test_a_time_that_was_said(rounds: Round) -> None:
    first = await rounds.add("ed25519", NOW + 100)
    assert await rounds.run(NOW + 99, dns=False) == 0
    assert await rounds.run(NOW + 100, dns=False) == 1
    assert await rounds.states() == {first: ACTIVE}
    await rounds.store.write(
        dkimkey.plan_retirement, (await rounds.store.read(dkimkey.find, DOMAIN, first)).id, NOW + 200
    )
    assert await rounds.run(NOW + 200, dns=False) == 1
    assert await rounds.states() == {first: RETIRED}


async def test_one_worker_at_a_time(rounds: Round) -> None:
    await rounds.store.write(lease.take, lease.DKIM, "w/2", NOW * 1000, NOW * 1000 + 1000)
    with pytest.raises(Locked):
        await rounds.run(NOW)
    assert await rounds.run(NOW + 1) == 0


async def test_two_records_are_not_one(rounds: Round) -> None:
    # RFC 6376 §3.6.2.2: what a verifier does with two is not defined
    selector = await rounds.add("ed25519")
    key = await rounds.store.read(dkimkey.find, DOMAIN, selector)
    for found, seen in (([key.public.encode()] * 2, True), ([key.public.encode(), ED25519_RECORD], False)):
        zone = Zone.of_txt({record_name(selector, DOMAIN): found})
        assert await is_seen(zone, key) is seen


def test_selectors() -> None:
    assert free_selector("rsa", NOW, []) == "r20231114"
    assert free_selector("ed25519", NOW, ["e20231114", "e20231114-2"]) == "e20231114-3"
