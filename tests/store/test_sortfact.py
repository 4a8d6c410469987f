"""What is kept for SORT, by pieces of a mailbox."""

from typing import Any

import pytest

from posthaus.mail.sortfact import NUMBERS, TEXTS, VERSION
from posthaus.store import account, mailbox, message, purge, sortfact
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, Person, made_up, person

COLUMNS: dict[bytes, list[Any]] = {
    **{name: [at, -at, 1 << 40] for at, name in enumerate(NUMBERS)},
    **{name: ["", f"{name!r} Ü\n", "\U0001f600"] for name in TEXTS},
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sortfact, "SIZE", 4)


async def keep(store: Store, who: Person, count: int) -> None:
    for number in range(count):
        await store.write(message.append, made_up(f"{number}"), Placing(who.id, who.inbox, 0), NOW, NOW)


def test_columns_come_back() -> None:
    packed = sortfact.join([sortfact.pack(name, column) for name, column in COLUMNS.items()])
    for name, column in COLUMNS.items():
        assert list(sortfact.unpack(packed, name)) == column


async def test_whole_pieces_are_lacking_until_they_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben, carl = [await person(store, name) for name in ("anna", "ben", "carl")]
    await keep(store, anna, 2)  # UIDs begin at 1, so piece 0 has three
    assert await store.read(sortfact.lacking, 0, 100) == (0, [])
    await keep(store, anna, 1)
    await keep(store, ben, 9)
    assert await store.read(sortfact.lacking, 0, 100) == (0, [(anna.inbox, 1), (ben.inbox, 2)])
    assert await store.read(sortfact.lacking, anna.inbox, 1) == (ben.inbox, [(ben.inbox, 2)])
    assert await store.read(sortfact.lacking, ben.inbox, 1) == (carl.inbox, [])
    assert await store.read(sortfact.missing, ben.inbox, 2) == [0, 1]
    await store.write(sortfact.put, ben.inbox, 1, [(4, 7)], b"a")
    await store.write(sortfact.put, ben.inbox, 1, [(4, 5), (7, 7)], b"b")  # the last one counts
    assert await store.read(sortfact.missing, ben.inbox, 2) == [0]
    assert await store.read(sortfact.read, ben.inbox, 0, 9) == {1: ([(4, 5), (7, 7)], b"b")}
    assert await store.read(sortfact.read, ben.inbox, 2, 9) == {}
    await store.write(sortfact.put, ben.inbox, 0, [], b"")
    await store.write(sortfact.put, ben.inbox, 1, [(4, 7)], b"a")
    assert await store.read(sortfact.read, ben.inbox, 0, 9) == {1: ([(4, 7)], b"a")}  # nothing of piece 0
    assert await store.read(sortfact.lacking, 0, 100) == (0, [(anna.inbox, 1)])
    monkeypatch.setattr(sortfact, "VERSION", VERSION + 1)  # another release
    assert await store.read(sortfact.lacking, 0, 100) == (0, [(anna.inbox, 1), (ben.inbox, 2)])
    assert await store.read(sortfact.read, ben.inbox, 0, 9) == {}
    await store.write(sortfact.put, ben.inbox, 1, [(4, 7)], b"c")
    assert await store.read(sortfact.read, ben.inbox, 0, 9) == {1: ([(4, 7)], b"c")}
    monkeypatch.setattr(sortfact, "VERSION", VERSION)  # a worker of the previous one, which still runs
    assert await store.read(sortfact.missing, ben.inbox, 2) == []
    assert await store.read(sortfact.lacking, 0, 100) == (0, [(anna.inbox, 1)])
    assert await store.read(sortfact.read, ben.inbox, 0, 9) == {}


async def test_pieces_of_which_most_has_gone(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for who in (anna, ben):
        await keep(store, who, 12)
        for piece in (0, 1):
            await store.write(sortfact.put, who.inbox, piece, [(max(piece * 4, 1), piece * 4 + 3)], b"p")
        await store.write(sortfact.put, who.inbox, 2, [], b"")
    await store.write(message.expunge, anna.id, anna.inbox, [(4, 5)], NOW, only_deleted=False)
    assert await store.read(sortfact.thinned, (0, 0), 100) == ((0, 0), [])  # half of it is there
    await store.write(message.expunge, anna.id, anna.inbox, [(6, 12)], NOW, only_deleted=False)
    assert await store.read(sortfact.thinned, (0, 0), 100) == ((0, 0), [(anna.inbox, 1)])
    assert await store.read(sortfact.thinned, (0, 0), 1) == ((anna.inbox, 0), [])
    assert await store.read(sortfact.thinned, (anna.inbox, 0), 2) == ((anna.inbox, 2), [(anna.inbox, 1)])
    assert await store.read(sortfact.thinned, (anna.inbox, 1), 100) == ((0, 0), [])
    await store.write(sortfact.forget, [(anna.inbox, 1)])
    assert await store.read(sortfact.missing, anna.inbox, 3) == [1]


async def test_it_goes_with_its_mailbox(store: Store) -> None:
    anna = await person(store, "anna")
    box = await store.write(mailbox.create, anna.id, "Box", "", NOW)
    for _ in range(12):
        await store.write(message.append, made_up(), Placing(anna.id, box, 0), NOW, NOW)
    for piece in range(3):
        await store.write(sortfact.put, box, piece, [(max(piece * 4, 1), piece * 4 + 3)], b"p")
    await store.write(mailbox.remove, anna.id, "Box", NOW)
    assert await store.read(sortfact.lacking, 0, 100) == (0, [])
    await store.write(sortfact.put, box, 0, [(1, 3)], b"p")  # it was being made
    while await store.write(purge.removed_mailboxes, NOW, 2):
        pass
    while await store.write(purge.tombstones, NOW + 1, 100):
        pass
    while await store.write(purge.removed_mailboxes, NOW, 2):
        pass
    assert await store.read(sortfact.missing, box, 3) == [0, 1, 2]
    await store.write(sortfact.put, box, 0, [(1, 3)], b"p")
    assert await store.read(sortfact.missing, box, 3) == [0, 1, 2]


async def test_it_goes_with_its_account(store: Store) -> None:
    anna = await person(store, "anna")
    await keep(store, anna, 8)
    await store.write(sortfact.put, anna.inbox, 0, [(1, 3)], b"p")
    await store.write(account.mark_removed, anna.id)
    while await store.write(purge.removed_accounts, NOW, 3):
        pass
    assert await store.read(sortfact.missing, anna.inbox, 1) == [0]
