"""Keys as rows: their states, and nobody is left without one."""

import pytest

from posthaus.store import directory, dkimkey
from posthaus.store.dkimkey import ACTIVE, PUBLISHED, RETIRED, NewKey
from posthaus.store.error import KeyExists, NoSuchDomain, NoSuchKey
from posthaus.store.store import Store

NOW = 1_700_000_000
DAY = 86_400


def key(selector: str, algorithm: str = "rsa") -> NewKey:
    return NewKey("a.test", selector, algorithm, f"private {selector}".encode(), f"v=DKIM1; p={selector}")


async def states(store: Store) -> dict[str, int]:
    return {one.selector: one.state for one in await store.read(dkimkey.listing, "a.test")}


async def test_a_life(store: Store) -> None:
    await store.write(directory.add_domain, "a.test", NOW)
    first = await store.write(dkimkey.add, key("s1"), NOW)
    assert await store.read(dkimkey.active, "a.test") == []
    await store.write(dkimkey.activate, [first], NOW)
    assert list(await store.read(dkimkey.active, "a.test")) == [(first, "s1", "rsa")]
    assert await store.read(dkimkey.private, first) == b"private s1"

    second = await store.write(dkimkey.add, key("s2"), NOW + DAY)
    other = await store.write(dkimkey.add, key("e1", "ed25519"), NOW + DAY, NOW + 2 * DAY)
    assert [one.selector for one in await store.read(dkimkey.waiting)] == ["s2", "e1"]
    fresh = [await store.read(dkimkey.find, "a.test", name) for name in ("s2", "e1")]
    assert [one.active_from for one in fresh] == [0, NOW + 2 * DAY]
    await store.write(dkimkey.replace, fresh, NOW + DAY, NOW + 8 * DAY)
    assert await states(store) == {"s1": RETIRED, "s2": ACTIVE, "e1": ACTIVE}
    assert {row[0] for row in await store.read(dkimkey.active, "a.test")} == {second, other}

    assert await store.write(dkimkey.forget_private, NOW + 7 * DAY) == 0
    assert await store.write(dkimkey.forget_private, NOW + 8 * DAY) == 1
    assert await store.write(dkimkey.forget_private, NOW + 9 * DAY) == 0
    with pytest.raises(NoSuchKey):
        await store.read(dkimkey.private, first)
    await store.write(dkimkey.remove, "a.test", "s1")
    assert "s1" not in await states(store)


async def test_a_planned_end(store: Store) -> None:
    await store.write(directory.add_domain, "a.test", NOW)
    first = await store.write(dkimkey.add, key("s1"), NOW)
    await store.write(dkimkey.plan_retirement, first, NOW + 5)
    assert await states(store) == {"s1": PUBLISHED}
    await store.write(dkimkey.activate, [first], NOW)
    await store.write(dkimkey.plan_retirement, first, NOW + 5)
    assert await store.write(dkimkey.retire_due, NOW + 4, NOW + DAY) == 0
    assert await store.write(dkimkey.retire_due, NOW + 5, NOW + DAY) == 1
    assert await states(store) == {"s1": RETIRED}
    await store.write(dkimkey.activate, [first], NOW)  # what is retired stays so
    assert await states(store) == {"s1": RETIRED}


async def test_refusals(store: Store) -> None:
    with pytest.raises(NoSuchDomain):
        await store.write(dkimkey.add, key("s1"), NOW)
    await store.write(directory.add_domain, "a.test", NOW)
    await store.write(dkimkey.add, key("s1"), NOW)
    with pytest.raises(KeyExists):
        await store.write(dkimkey.add, key("s1"), NOW)
    with pytest.raises(NoSuchKey):
        await store.read(dkimkey.find, "a.test", "s2")
    with pytest.raises(NoSuchKey):
        await store.write(dkimkey.remove, "a.test", "s2")
    await store.write(directory.remove_domain, "a.test")
    assert await store.read(dkimkey.listing) == []
