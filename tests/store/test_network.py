"""What clients in trusted networks have sent, and which are stopped."""

import asyncio

import pytest

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import network, postmaster, queue
from posthaus.store.error import SendingHeld, SendingLimit
from posthaus.store.postmaster import Which
from posthaus.store.queue import NewErrand, NewParcel, State
from posthaus.store.sending import Used
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, Storehouse, made_up

PRINTER, OTHER = "192.0.2.9", "2001:db8::/64"


async def test_it_slides_and_is_counted_by_address(store: Store) -> None:
    slot = limit.SEND_SLOT_S
    await store.write(network.count, PRINTER, 2, 10, 10, NOW)
    await store.write(network.count, PRINTER, 3, 10, 10, NOW + slot)
    await store.write(network.count, OTHER, 1, 10, 10, NOW)
    assert await store.read(network.used, PRINTER, NOW + slot) == Used(5, 5)
    assert await store.read(network.used, PRINTER, NOW + 3_600) == Used(3, 5)
    assert await store.read(network.used, PRINTER, NOW + 86_400 + slot) == Used()
    assert await store.read(network.used, OTHER, NOW) == Used(1, 1)


async def test_what_was_counted_before_the_clock_went_back_does_not_count(store: Store) -> None:
    await store.write(network.count, PRINTER, 2, 10, 10, NOW)
    assert await store.read(network.used, PRINTER, NOW - limit.SEND_SLOT_S) == Used(2, 2)
    assert await store.read(network.used, PRINTER, NOW - 2 * limit.SEND_SLOT_S) == Used()
    await store.write(network.count, PRINTER, 1, 10, 10, NOW - 86_400)
    assert await store.read(network.used, PRINTER, NOW - 86_400) == Used(1, 1)
    assert await store.read(network.used, PRINTER, NOW) == Used()


async def test_what_is_beyond_is_not_counted(store: Store) -> None:
    with pytest.raises(SendingLimit):
        await store.write(network.count, PRINTER, 3, 2, 10, NOW)
    assert await store.read(network.used, PRINTER, NOW) == Used()
    await store.write(network.count, PRINTER, 2, 2, 3, NOW)
    with pytest.raises(SendingLimit):
        await store.write(network.count, PRINTER, 2, 2, 3, NOW + 7_200)  # of the day


async def test_two_workers_at_once_do_not_share_what_is_left(house: Storehouse) -> None:
    workers = [await house.open(), await house.open()]
    tries = [workers[n % 2].write(network.count, PRINTER, 1, 5, 5, NOW) for n in range(12)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(result is None for result in results) == 5
    assert await workers[1].read(network.used, PRINTER, NOW) == Used(5, 5)


async def test_what_it_has_in_the_queue_is_stopped_and_goes_on(store: Store) -> None:
    for n, client in enumerate((PRINTER, OTHER, "", PRINTER)):
        errand = NewErrand(Recipient(Address(f"r{n}", "b.test")), "mx/b.test", NOW)
        parcel = NewParcel(made_up(), Envelope(Address("p", "a.example")), f"t{n}", 0, NOW + 9, 0, client)
        await store.write(queue.enqueue, parcel, [errand], NOW)
    assert await store.write(network.stop, PRINTER, NOW)
    assert not await store.write(network.stop, PRINTER, NOW + 1)
    assert await store.read(network.stopped) == [(PRINTER, NOW)]
    held = await store.read(postmaster.listing, Which(state=State.HELD), 0, 10)
    assert [one.parcel.tid for one in held] == ["t0", "t3"]
    assert [one.parcel.tid for one in await store.read(postmaster.listing, Which(client=OTHER), 0, 10)] == ["t1"]
    with pytest.raises(SendingHeld):
        await store.write(network.count, PRINTER, 1, 9, 9, NOW)
    await store.write(network.count, OTHER, 1, 9, 9, NOW)
    assert await store.write(network.release, PRINTER, NOW)
    assert not await store.write(network.release, PRINTER, NOW)
    assert await store.read(postmaster.listing, Which(state=State.HELD), 0, 10) == []
    await store.write(network.count, PRINTER, 1, 9, 9, NOW)
