"""Suppression: what leads to it, for whom, for how long."""

import pytest

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.store import suppression
from posthaus.store.error import NoSuchSuppression
from posthaus.store.store import Store
from posthaus.store.suppression import HOUSE
from posthaus.testing.storehouse import NOW

OTTO, ULI = Address("Otto", "b.example"), Address("uli", "b.example")
ANNA, BEN = 1, 2
MONTH = limit.SUPPRESSION_S


async def _why(store: Store, account: int, address: Address = OTTO, now: int = NOW) -> str | None:
    return await store.read(suppression.suppressed, account, address, now)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.10", "5.2.1"])
async def test_nobody_there(store: Store, status: str) -> None:
    assert await store.write(suppression.failed, ANNA, OTTO, status, "550 no such\nuser ü", NOW)
    assert await _why(store, ANNA) == (
        "not sent there since 2023-11-14: 550 no such user ?; it is tried again from 2023-12-14 on"
    )
    assert await _why(store, ANNA, Address("otto", "b.example")) is not None
    assert await _why(store, BEN) is await _why(store, ANNA, ULI) is None
    assert await _why(store, ANNA, now=NOW + MONTH) is None


@pytest.mark.parametrize("status", ["5.0.0", "5.7.1", "5.2.2", "4.1.1", ""])
async def test_nothing_about_the_address(store: Store, status: str) -> None:
    assert not await store.write(suppression.failed, ANNA, OTTO, status, "no", NOW)
    assert not await store.write(suppression.failed, 0, OTTO, "5.1.1", "mail of nobody of ours", NOW)
    assert await store.read(suppression.listing) == []


async def test_longer_each_time(store: Store) -> None:
    now = NOW
    for lasts in (MONTH, 2 * MONTH, 4 * MONTH, 8 * MONTH, limit.SUPPRESSION_MAX_S, limit.SUPPRESSION_MAX_S):
        await store.write(suppression.failed, ANNA, OTTO, "5.1.1", "no", now)
        (only,) = await store.read(suppression.listing, ANNA)
        assert only.until == now + lasts and only.since == NOW
        now = only.until
        assert await _why(store, ANNA, now=now) is None


async def test_what_ends_later_than_anything_has_ended(store: Store) -> None:
    """It was made when the clock was years ahead; what a person has said for good stays."""
    await store.write(suppression.failed, ANNA, OTTO, "5.1.1", "no", NOW + 3 * limit.SUPPRESSION_MAX_S)
    await store.write(suppression.add, ANNA, ULI, "no", NOW + 3 * limit.SUPPRESSION_MAX_S)
    assert await _why(store, ANNA) is None
    assert await _why(store, ANNA, ULI) is not None
    await store.write(suppression.failed, BEN, OTTO, "5.1.1", "no", NOW, for_s=limit.SUPPRESSION_MAX_S)
    assert await _why(store, BEN) is not None


async def test_taken_after_all(store: Store) -> None:
    await store.write(suppression.failed, ANNA, OTTO, "5.1.1", "no", NOW)
    await store.write(suppression.failed, BEN, OTTO, "5.1.1", "no", NOW)
    await store.write(suppression.delivered, ANNA, OTTO)
    assert await _why(store, ANNA) is None and await _why(store, BEN) is not None


async def test_by_hand(store: Store) -> None:
    await store.write(suppression.add, HOUSE, OTTO, "he asked for it", NOW)
    assert await _why(store, BEN, now=NOW + 99 * MONTH) == "not sent there since 2023-11-14: he asked for it"
    await store.write(suppression.delivered, HOUSE, OTTO)
    await store.write(suppression.add, ANNA, OTTO, "for good", NOW)
    await store.write(suppression.failed, ANNA, OTTO, "5.1.1", "no", NOW)
    assert [(one.account, one.until) for one in await store.read(suppression.listing)] == [(HOUSE, 0), (ANNA, 0)]
    await store.write(suppression.remove, HOUSE, OTTO)
    assert [one.account for one in await store.read(suppression.listing)] == [ANNA]
    await store.write(suppression.remove, None, OTTO)
    with pytest.raises(NoSuchSuppression):
        await store.write(suppression.remove, ANNA, OTTO)


async def test_forgotten(store: Store) -> None:
    await store.write(suppression.failed, ANNA, OTTO, "5.1.1", "no", NOW)
    await store.write(suppression.add, ANNA, ULI, "no", NOW)
    assert await store.write(suppression.forget, NOW + MONTH, 9) == 0
    assert await store.write(suppression.forget, NOW + MONTH + 1, 9) == 1
    assert [one.key for one in await store.read(suppression.listing)] == [ULI.key]
