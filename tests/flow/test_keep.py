"""The one write, several at a time: aliases that lead to the same domains in another order."""

import asyncio

import pytest

from posthaus.base import limit
from posthaus.flow.handover import Handover
from posthaus.flow.keep import Plan, Way, keep
from posthaus.flow.pace import Times
from posthaus.flow.route import Here
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import postmaster
from posthaus.store.postmaster import Which
from posthaus.testing.storehouse import NOW, Storehouse, made_up

HERE = Here("mail.a.example")
DOMAINS = [f"d{n}.test" for n in range(8)]
TIMES = 60


def _plan(domains: list[str], number: int) -> Plan:
    """An alias for each: a parcel of its own."""
    ways = tuple(Way(b"", (Recipient(Address("club", domain)),), Address("srs", "a.example")) for domain in domains)
    times = Times(NOW + 100, NOW + 1_000, 0)
    return Plan(made_up(f"number {number}"), Envelope(Address("x", "b.example")), f"t{number}", times, b"", ways=ways)


async def test_writes_that_meet_do_not_wait_for_each_other(house: Storehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL breaks such a deadlock after a second, by giving up one of the two; here that is an error."""
    stores = [await house.open(), await house.open()]
    handover = Handover()

    async def put(number: int) -> None:
        with handover.passing() as passing:
            plan = _plan(DOMAINS if number % 2 else DOMAINS[::-1], number)
            await stores[number % 2].write(keep, plan, passing, None, HERE, NOW)

    await put(0)  # the destinations are there
    monkeypatch.setattr(limit, "STORE_RETRIES", 0)
    await asyncio.gather(*(put(number) for number in range(1, TIMES)))
    found = await stores[0].read(postmaster.counts)
    assert [(one.destination, one.errands) for one in found] == [(f"mx/{one}", TIMES) for one in DOMAINS]
    assert len(await stores[0].read(postmaster.listing, Which(), 0, 1_000)) == TIMES * len(DOMAINS)
