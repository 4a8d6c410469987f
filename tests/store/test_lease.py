"""Leases: one owner at a time, none for ever."""

import pytest

from posthaus.store import lease
from posthaus.store.error import Locked
from posthaus.store.store import Store


async def test_a_lease_is_had_by_one_until_its_end(store: Store) -> None:
    await store.write(lease.take, "drop", "a/1", 1_000, 2_000)
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "b/1", 1_999, 3_000)
    await store.write(lease.take, "drop", "a/1", 1_500, 2_500)  # renewed
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "b/1", 2_400, 3_000)
    await store.write(lease.take, "drop", "b/1", 2_500, 3_000)
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "a/1", 2_500, 3_000)


async def test_release_is_the_owners_alone(store: Store) -> None:
    await store.write(lease.take, "drop", "a/1", 0, 10_000)
    await store.write(lease.release, "drop", "b/1")
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "b/1", 0, 10_000)
    await store.write(lease.release, "drop", "a/1")
    await store.write(lease.take, "drop", "b/1", 0, 10_000)


async def test_a_dead_worker_and_the_sweep(store: Store) -> None:
    for name, owner, until in (("1", "a/1", 500), ("2", "a/2", 900), ("3", "b/1", 900), ("4", "b/2", 400)):
        await store.write(lease.take, name, owner, 0, until)
    await store.write(lease.release_all, "a/")
    assert await store.write(lease.sweep, 500) == 1
    with pytest.raises(Locked):
        await store.write(lease.take, "3", "c/1", 500, 999)


async def test_a_lease_of_when_the_clock_was_ahead_holds_no_longer(store: Store) -> None:
    """Its owner may be dead, and its end years away; one that ends a little later is another node's."""
    await store.write(lease.take, "drop", "a/1", 900_000, 901_000)
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "b/1", 899_000, 900_000)
    await store.write(lease.take, "drop", "b/1", 898_999, 899_999)
    with pytest.raises(Locked):
        await store.write(lease.take, "drop", "a/1", 899_000, 900_000)
