"""Reading for SEARCH."""

from posthaus.store import message, search
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up, person


async def test_counting_what_is_there(store: Store) -> None:
    anna = await person(store, "anna")
    for i in range(6):
        await store.write(message.append, made_up(f"mail {i}"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(3, 4)], NOW, only_deleted=False)
    assert await store.read(search.count, anna.inbox, 1, 6) == 4
    assert await store.read(search.count, anna.inbox, 2, 3) == 1
    assert await store.read(search.count, anna.inbox, 7, 9) == 0
