"""Messages of an older scan, and marks."""

from posthaus.mail.prepare import prepare
from posthaus.store import fetch, mark, message, rescan
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up, person


async def test_mark(store: Store) -> None:
    assert await store.read(mark.read, "scan/1") == 0
    for value in (5, 9):
        await store.write(mark.put, "scan/1", value)
        assert await store.read(mark.read, "scan/1") == value
    assert await store.read(mark.read, "scan/2") == 0


async def test_outdated_messages_are_found_and_renewed(store: Store) -> None:
    anna = await person(store, "anna")
    assert await store.read(rescan.last) == 0
    for number in range(3):
        await store.write(message.append, made_up(f"mail {number}"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    last = await store.read(rescan.last)
    assert await store.read(rescan.outdated, 1, 1, last) == []
    found = await store.read(rescan.outdated, 2, 1, last)
    assert len(found) == 3 and found[-1] == last
    assert await store.read(rescan.outdated, 2, last, last) == [last]
    prepared = prepare(b"Subject: another\r\n\r\nbody\r\n")
    assert await store.write(rescan.renew, last, prepared) == 1
    assert await store.write(rescan.renew, last + 1, prepared) == 0
    columns = ("subject", "envelope", "structure", "bodystructure")
    wanted = ("another", prepared.envelope, prepared.structure, prepared.bodystructure)
    assert await store.read(fetch.one, anna.inbox, 3, columns) == wanted
    assert await store.read(fetch.one, anna.inbox, 2, ("subject",)) == ("mail 1",)
