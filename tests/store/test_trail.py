"""The trail: a message is found by its transaction, its id and its account, wherever it is or was."""

from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.flag import SEEN
from posthaus.mail.trace import Hop
from posthaus.store import mailbox, message, queue, trail
from posthaus.store.message import Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.store import Store
from posthaus.store.trail import Place
from posthaus.testing.storehouse import NOW, Person, made_up, person

OTTO = Address("otto", "b.example")


def _prefix(tid: str) -> bytes:
    return trace.render_received(Hop("c.example", "192.0.2.1", "", "mx.a.example", "ESMTPS", tid, NOW, "", OTTO))


async def _deliver(store: Store, who: Person, tid: str, flags: int = 0) -> None:
    content = made_up(tid, prefix=_prefix(tid))
    await store.write(message.deliver, content, [Placing(who.id, who.inbox, flags)], NOW)


async def test_found(store: Store) -> None:
    anna = await person(store, "anna")
    assert await store.read(trail.last_message) == 0
    for tid in ("t1", "t10", "t2"):
        await _deliver(store, anna, tid)
    last = await store.read(trail.last_message)
    (first,) = await store.read(trail.of_transaction, "t1", 0, last)
    assert first == last - 2
    assert await store.read(trail.of_transaction, "t1", first + 1, last) == []
    assert await store.read(trail.of_transaction, "t", 0, last) == []
    assert await store.read(trail.with_message_id, "1@a.example", 0, last) == [last, last - 1, first]
    assert await store.read(trail.with_message_id, "2@a.example", 0, last) == []
    assert await store.read(trail.of_account, anna.id, 2) == [last, last - 1]
    kept = await store.read(trail.kept, first)
    assert kept is not None and (kept.prefix, kept.subject, kept.message_id) == (_prefix("t1"), "t1", "1@a.example")
    assert await store.read(trail.kept, last + 1) is None


async def test_places(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    placings = [Placing(anna.id, anna.inbox, 0), Placing(ben.id, ben.inbox, SEEN)]
    await store.write(message.deliver, made_up(), placings, NOW)
    old = await store.write(mailbox.create, anna.id, "Old", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], old, NOW + 5, move=True)
    last = await store.read(trail.last_message)
    assert await store.read(trail.places, last) == [
        Place(anna.key, "INBOX", 1, 0, NOW, NOW + 5),
        Place(anna.key, "Old", 1, 0, NOW, 0),
        Place(ben.key, "INBOX", 1, SEEN, NOW, 0),
    ]


async def test_waiting(store: Store) -> None:
    parcel = NewParcel(made_up(), Envelope(OTTO), "t1", 0, NOW + 900, 0)
    errands = [NewErrand(Recipient(Address(name, "b.example")), "mx/b.example", NOW) for name in ("uli", "eva")]
    await store.write(queue.enqueue, parcel, errands, NOW)
    found = await store.read(trail.waiting, "t1")
    assert [(one.tid, errand.recipient.address.localpart) for one, errand in found] == [("t1", "uli"), ("t1", "eva")]
    assert await store.read(trail.waiting, "t2") == []
