"""What changed since a MODSEQ: from the book, and from before its beginning."""

from posthaus.mail.flag import SEEN
from posthaus.mail.uidset import Ranges
from posthaus.store import change, flag, mailbox, message, sync
from posthaus.store.flag import Edit, Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.sync import Since
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person

ALL: Ranges = [(1, 99)]


async def _since(tx: Tx, box: int, modseq: int, known: Ranges) -> Since:
    return await sync.since(tx, await mailbox.get(tx, box), modseq, known)


async def _ten(store: Store) -> tuple[Person, int]:
    """Ten messages; and the MODSEQ then."""
    anna = await person(store, "anna")
    for number in range(10):
        await store.write(message.append, made_up(f"{number}"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    return anna, (await store.read(mailbox.get, anna.inbox)).modseq


async def test_from_the_book(store: Store) -> None:
    anna, before = await _ten(store)
    assert await store.read(_since, anna.inbox, before, ALL) == Since([], [])
    await store.write(flag.store, anna.id, anna.inbox, [(2, 4)], Edit(Mode.ADD, SEEN), NOW)
    between = (await store.read(mailbox.get, anna.inbox)).modseq
    await store.write(message.expunge, anna.id, anna.inbox, [(4, 5)], NOW, only_deleted=False)
    await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    assert await store.read(_since, anna.inbox, before, ALL) == Since([(2, 3), (11, 11)], [(4, 5)])
    assert await store.read(_since, anna.inbox, between, ALL) == Since([(11, 11)], [(4, 5)])
    assert await store.read(_since, anna.inbox, before, [(3, 4), (6, 10)]) == Since([(3, 3)], [(4, 4)])
    # what happens elsewhere is another mailbox's
    await store.write(mailbox.create, anna.id, "Old", "", NOW)
    old = (await store.read(mailbox.find, anna.id, "Old")).id
    await store.write(message.copy, anna.id, anna.inbox, [(1, 3)], old, NOW, move=True)
    last = (await store.read(mailbox.get, anna.inbox)).modseq
    assert await store.read(_since, anna.inbox, last - 1, ALL) == Since([], [(1, 3)])
    assert await store.read(_since, old, last - 1, ALL) == Since([(1, 3)], [])


async def test_from_before_the_book(store: Store) -> None:
    """More is told than had to be, and nothing is left out (RFC 7162 §3.2.10)."""
    anna, before = await _ten(store)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 2)], NOW, only_deleted=False)
    middle = (await store.read(mailbox.get, anna.inbox)).modseq
    while await store.write(change.forget, NOW + 1, 100):
        pass
    await store.write(flag.store, anna.id, anna.inbox, [(7, 7)], Edit(Mode.ADD, SEEN), NOW)
    assert await store.read(_since, anna.inbox, before, [(1, 10)]) == Since([(7, 7)], [(1, 2)])
    assert await store.read(_since, anna.inbox, middle, [(1, 10)]) == Since([(7, 7)], [])
    assert await store.read(_since, anna.inbox, 1, [(1, 4), (7, 9)]) == Since([(3, 4), (7, 9)], [(1, 2)])
    assert await store.read(_since, anna.inbox, 1, [(1, 12)]) == Since([(3, 10)], [(1, 2), (11, 12)])
