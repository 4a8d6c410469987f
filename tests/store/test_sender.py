"""Whom an account may write as."""

import pytest

from posthaus.store import account, purge, sender
from posthaus.store.error import NoSuchSender
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, person


async def test_given_and_taken(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for one in ("x@b.example", "@c.example", "x@b.example"):
        await store.write(sender.allow, anna.id, one)
    assert await store.read(sender.senders, anna.id) == ("@c.example", "x@b.example")
    assert await store.read(sender.is_allowed, anna.id, "x@b.example", "b.example")
    assert await store.read(sender.is_allowed, anna.id, "any@c.example", "c.example")
    assert not await store.read(sender.is_allowed, anna.id, "y@b.example", "b.example")
    assert not await store.read(sender.is_allowed, anna.id, "\0@b.example", "b.example")
    assert not await store.read(sender.is_allowed, ben.id, "x@b.example", "b.example")
    await store.write(sender.deny, anna.id, "x@b.example")
    with pytest.raises(NoSuchSender):
        await store.write(sender.deny, anna.id, "x@b.example")


async def test_they_go_with_the_account(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(sender.allow, anna.id, "@c.example")
    await store.write(account.mark_removed, anna.id)
    while await store.write(purge.removed_accounts, NOW, 100):
        pass
    assert await store.read(sender.senders, anna.id) == ()
