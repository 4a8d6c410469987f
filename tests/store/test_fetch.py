"""Reading placements: the columns that were asked for, in the order of UIDs, as tuples."""

import pytest

from posthaus.store import fetch, message
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, Person, made_up, person


async def _ten(store: Store) -> Person:
    anna = await person(store, "anna")
    for i in range(10):
        await store.write(message.append, made_up(f"mail {i}"), Placing(anna.id, anna.inbox, i % 2), NOW + i, NOW)
    return anna


COLUMNS = [
    (("uid",), (3,)),
    (("flags", "uid"), (0, 3)),
    (("received", "subject"), (NOW + 2, "mail 2")),
    (("head_size", "place", "packing", "blob_size"), (19, "", 0, 27)),
    (("uid", "body", "size", "has_attachment", "refs"), (3, b"mail 2\r\n", 27, 0, "0@a.example")),
]


@pytest.mark.parametrize(("columns", "row"), COLUMNS)
async def test_columns(store: Store, columns: tuple[str, ...], row: tuple[object, ...]) -> None:
    anna = await _ten(store)
    rows = await store.read(fetch.placements, anna.inbox, 3, 3, columns, 10)
    assert list(rows) == [row] and type(rows[0]) is tuple
    assert await store.read(fetch.one, anna.inbox, 3, columns) == row
    await store.write(message.expunge, anna.id, anna.inbox, [(3, 3)], NOW, only_deleted=False)
    assert await store.read(fetch.tombstone, anna.inbox, 3, columns) == row


async def test_ranges_and_batches(store: Store) -> None:
    anna = await _ten(store)

    async def uids(first: int, last: int, most: int) -> list[int]:
        return [row[0] for row in await store.read(fetch.placements, anna.inbox, first, last, ("uid",), most)]

    assert await uids(1, 0xFFFFFFFF, 4) == [1, 2, 3, 4]
    assert await uids(5, 0xFFFFFFFF, 100) == [5, 6, 7, 8, 9, 10]
    assert await uids(11, 0xFFFFFFFF, 4) == []
    assert [(uid, size) for uid, size, _ in await store.read(fetch.listing, anna.inbox)] == [
        (uid, 27) for uid in range(1, 11)
    ]


async def test_a_column_that_is_none(store: Store) -> None:
    anna = await _ten(store)
    with pytest.raises(KeyError):
        await store.read(fetch.one, anna.inbox, 1, ("flags; DROP TABLE placement",))
