"""What an account may send, and what it has sent."""

import asyncio

import pytest

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import account, purge, queue, sending
from posthaus.store.error import SendingHeld, SendingLimit
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.sending import Sending, Used
from posthaus.store.store import Store
from posthaus.store.tx import Row, Tx
from posthaus.testing.storehouse import NOW, Storehouse, made_up, person


async def test_it_slides(store: Store) -> None:
    anna = (await person(store, "anna")).id
    slot = limit.SEND_SLOT_S
    assert await store.read(sending.used, anna, NOW) == Used()
    await store.write(sending.count, anna, ["x@b.example", "y@b.example"], NOW)
    await store.write(sending.count, anna, ["x@b.example", "z@b.example"], NOW + slot)
    assert await store.read(sending.used, anna, NOW + slot) == Used(4, 4, 3)
    assert await store.read(sending.used, anna, NOW + 3_600) == Used(2, 4, 3)
    assert await store.read(sending.used, anna, NOW + 3_600 + slot) == Used(0, 4, 3)
    assert await store.read(sending.used, anna, NOW + 86_400) == Used(0, 2, 1)
    assert await store.read(sending.used, anna, NOW + 86_400 + slot) == Used()
    assert not await store.read(sending.is_stranger, anna, "z@b.example")
    assert await store.read(sending.is_stranger, anna, "\0@b.example")


async def test_what_was_counted_before_the_clock_went_back_does_not_count(store: Store) -> None:
    """Or nothing could be sent until the clock is there again. A node that is a little ahead counts."""
    anna = (await person(store, "anna")).id
    slot = limit.SEND_SLOT_S
    await store.write(sending.count, anna, ["x@b.example"], NOW)
    assert await store.read(sending.used, anna, NOW - slot) == Used(1, 1, 1)
    assert await store.read(sending.used, anna, NOW - 2 * slot) == Used()
    await store.write(sending.count, anna, ["y@b.example", "x@b.example"], NOW - 86_400)
    assert await store.read(sending.used, anna, NOW - 86_400) == Used(2, 2, 1)
    assert await store.read(sending.used, anna, NOW) == Used()


async def test_what_is_beyond_is_not_counted(store: Store) -> None:
    anna = (await person(store, "anna")).id
    await store.write(sending.set_limits, anna, 2, 3, 2)
    with pytest.raises(SendingLimit):
        await store.write(sending.count, anna, ["1@b", "2@b", "3@b"], NOW)
    assert await store.read(sending.used, anna, NOW) == Used()
    assert await store.read(sending.is_stranger, anna, "1@b")
    await store.write(sending.count, anna, ["1@b", "2@b"], NOW)
    with pytest.raises(SendingLimit):
        await store.write(sending.count, anna, ["1@b"], NOW)  # of the hour
    later = NOW + 7_200
    with pytest.raises(SendingLimit):
        await store.write(sending.count, anna, ["3@b"], later)  # a stranger
    await store.write(sending.count, anna, ["1@b"], later)
    with pytest.raises(SendingLimit):
        await store.write(sending.count, anna, ["1@b"], later)  # of the day


async def test_two_workers_at_once_do_not_share_what_is_left(house: Storehouse) -> None:
    workers = [await house.open(), await house.open()]
    anna = (await person(workers[0], "anna")).id
    await workers[0].write(sending.set_limits, anna, 5, 5, 5)
    tries = [workers[n % 2].write(sending.count, anna, [f"{n}@b"], NOW) for n in range(12)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(result is None for result in results) == 5
    assert await workers[1].read(sending.used, anna, NOW) == Used(5, 5, 5)


async def test_limits_and_hold(store: Store) -> None:
    anna = (await person(store, "anna")).id
    assert await store.read(sending.get, anna) == Sending()
    await store.write(sending.set_limits, anna, sending.USUAL, 7, sending.USUAL)
    await store.write(sending.set_sent_copy, anna, True)
    usual = Sending(limit.SEND_PER_HOUR, 7, limit.SEND_STRANGERS_PER_DAY, sent_copy=True)
    assert await store.read(sending.get, anna) == usual
    assert await store.read(sending.own_limits, anna) == (-1, 7, -1)
    await store.write(sending.count, anna, ["1@b"], NOW)
    assert await store.write(sending.hold, anna, NOW)
    assert not await store.write(sending.hold, anna, NOW + 1)
    assert (await store.read(sending.get, anna)).held == NOW
    with pytest.raises(SendingHeld):
        await store.write(sending.count, anna, ["1@b"], NOW)
    assert await store.write(sending.release, anna, NOW)
    assert not await store.write(sending.release, anna, NOW)
    assert await store.read(sending.used, anna, NOW) == Used()
    await store.write(sending.count, anna, ["1@b"], NOW)


async def test_it_goes_with_the_account(store: Store) -> None:
    anna = (await person(store, "anna")).id
    await store.write(sending.set_sent_copy, anna, True)
    await store.write(sending.count, anna, ["1@b"], NOW)
    await store.write(account.mark_removed, anna)
    while await store.write(purge.removed_accounts, NOW, 100):
        pass
    assert await store.read(sending.get, anna) == Sending()
    assert await store.read(sending.is_stranger, anna, "1@b")


async def test_what_is_in_the_queue_is_held_with_it(store: Store) -> None:
    """Only its own; and what was to go later still goes later."""
    anna, ben = (await person(store, "anna")).id, (await person(store, "ben")).id
    later = NOW + 7_200
    for account_id, hold_until in ((anna, None), (anna, later), (ben, None)):
        envelope = Envelope(Address("x", "a.example"), hold_until=hold_until)
        parcel = NewParcel(made_up(), envelope, "t", account_id, NOW + 86_400, 0)
        errand = NewErrand(Recipient(Address("y", "b.example")), "mx/b.example", hold_until or NOW)
        await store.write(queue.enqueue, parcel, [errand], NOW)
    await store.write(sending.hold, anna, NOW)
    assert [row[:2] for row in await store.read(rows)] == [(1, queue.NEVER), (1, queue.NEVER), (0, NOW)]
    await store.write(sending.release, anna, NOW + 60)
    assert [row[:2] for row in await store.read(rows)] == [(0, NOW + 60), (0, later), (0, NOW)]


async def rows(tx: Tx) -> list[Row]:
    return list(await tx.all("SELECT state, due FROM errand ORDER BY id"))
