"""Policies of MTA-STS in the store."""

from posthaus.store import stspolicy
from posthaus.store.store import Store
from posthaus.store.stspolicy import Kept


async def test_kept_until_it_expires(store: Store) -> None:
    kept = Kept("b.test", "1", "version: STSv1\r\n", 100, 200, 100)
    await store.write(stspolicy.put, kept)
    assert await store.read(stspolicy.get, "b.test", 199) == kept
    assert await store.read(stspolicy.get, "b.test", 200) is None
    assert await store.read(stspolicy.get, "c\0.test", 100) is None
    newer = Kept("b.test", "2", "version: STSv1\n", 150, 900, 150)
    await store.write(stspolicy.put, newer)
    assert await store.read(stspolicy.get, "b.test", 200) == newer
    assert await store.write(stspolicy.sweep, 899) == 0
    assert await store.write(stspolicy.sweep, 900) == 1


async def test_what_is_refreshed(store: Store) -> None:
    for name, fetched, expires, used in (
        ("old", 10, 1_000, 500), ("older", 5, 1_000, 500), ("new", 300, 1_000, 500), ("unused", 5, 1_000, 50),
        ("over", 5, 400, 500),
    ):  # fmt: skip
        await store.write(stspolicy.put, Kept(name, "1", "", fetched, expires, used))
    due = await store.read(stspolicy.to_refresh, 100, 60, 400, 10)
    assert [one.domain for one in due] == ["older", "old"]
    assert [one.domain for one in await store.read(stspolicy.to_refresh, 100, 60, 400, 1)] == ["older"]
    await store.write(stspolicy.touch, "unused", 70)
    await store.write(stspolicy.touch, "unused", 65)  # another worker's clock
    due = await store.read(stspolicy.to_refresh, 100, 60, 400, 10)
    assert {one.domain: one.used for one in due}["unused"] == 70


async def test_what_was_fetched_before_the_clock_went_back(store: Store) -> None:
    """It holds as long as if it had been fetched now, and is refreshed when that is a while ago."""
    await store.write(stspolicy.put, Kept("b.test", "1", "", 90_000, 90_700, 90_100))
    assert await store.write(stspolicy.sweep, 100) == 0
    assert await store.read(stspolicy.get, "b.test", 799) == Kept("b.test", "1", "", 100, 800, 100)
    assert [one.domain for one in await store.read(stspolicy.to_refresh, 150, 50, 200, 9)] == ["b.test"]
    assert await store.write(stspolicy.sweep, 800) == 1
