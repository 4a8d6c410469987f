"""The book: what came after a MODSEQ, oldest first, and no more."""

from posthaus.store import account, change
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, person


async def _note(tx: Tx, who: Person, kind: change.Kind) -> int:
    modseq = await account.advance(tx, who.id)
    await change.write(tx, who.id, modseq, who.inbox, kind, [(1, 4), (7, 7)], NOW)
    return modseq


async def test_since(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    first = await store.write(_note, anna, change.Kind.ADDED)
    await store.write(_note, ben, change.Kind.ADDED)
    second = await store.write(_note, anna, change.Kind.FLAGS)
    assert second == first + 1
    one = change.Change(second, anna.inbox, change.Kind.FLAGS, "1:4,7")
    assert await store.read(change.since, anna.id, first) == [one]
    assert len(await store.read(change.since, anna.id, 0)) == 2
    assert await store.read(change.since, anna.id, second) == []
    assert await store.read(change.upto, anna.id) == second


async def test_one_accounts_pages_are_torn_out(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for _ in range(3):
        await store.write(_note, anna, change.Kind.ADDED)
    await store.write(_note, ben, change.Kind.ADDED)
    assert await store.write(change.forget_account, anna.id, 2) == 2
    assert await store.write(change.forget_account, anna.id, 2) == 1
    assert await store.write(change.forget_account, anna.id, 2) == 0
    assert len(await store.read(change.since, ben.id, 0)) == 1
