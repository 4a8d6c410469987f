"""The record: what was written is told in its order, found by id and by address, and forgotten by the day."""

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.outcome import Kind as OutcomeKind
from posthaus.mail.outcome import Outcome
from posthaus.store import record
from posthaus.store.record import Entry, Kind
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW

DAY = 86_400
OTTO = Address("Otto", "b.example")
SUBMITTED = Entry("t1", NOW, Kind.SUBMITTED, "anna@a.example", {"by": "PLAIN", "size": 7, "tls": ""}, "m1@a.example")
QUEUED = Entry("t1", NOW, Kind.QUEUED, OTTO.key, {"to": "mx/b.example"})
LATE = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "x" * 9_999, "mx.b.example", "192.0.2.1", blames_host=True)
TAKEN = Outcome(OutcomeKind.RELAYED, 250, "2.0.0", "ok", "mx.b.example", "192.0.2.1", "TLSv1.3 X")


async def _fill(store: Store) -> None:
    await store.write(record.write, [QUEUED, SUBMITTED])
    await store.write(record.write, [record.of_outcome("t1", NOW + 5, OTTO, LATE, due=NOW + 305)])
    await store.write(record.write, [record.of_outcome("t1", NOW + 3 * DAY, OTTO, TAKEN)])
    await store.write(record.write, [Entry("t2", NOW + DAY, Kind.QUEUED, OTTO.key)])


async def test_one_message(store: Store) -> None:
    await _fill(store)
    told = await store.read(record.of_transaction, "t1", NOW, NOW + 9 * DAY)
    assert [one.kind for one in told] == [Kind.SUBMITTED, Kind.QUEUED, Kind.DEFERRED, Kind.RELAYED]
    assert told[0] == Entry("t1", NOW, Kind.SUBMITTED, "anna@a.example", {"by": "PLAIN", "size": 7}, "m1@a.example")
    assert told[1] == QUEUED
    assert len(str(told[2].words["text"])) == limit.RECORD_TEXT_CHARACTERS and told[2].words["due"] == NOW + 305
    assert told[3].words == {
        "code": 250, "status": "2.0.0", "text": "ok", "host": "mx.b.example", "address": "192.0.2.1", "tls": "TLSv1.3 X"
    }  # fmt: skip
    assert await store.read(record.of_transaction, "t3", NOW, NOW + DAY) == []


async def test_by_message_id(store: Store) -> None:
    await _fill(store)
    assert [one.tid for one in await store.read(record.submissions, "m1@a.example")] == ["t1"]
    assert await store.read(record.submissions, "") == await store.read(record.submissions, "m2@a.example") == []


async def test_by_address(store: Store) -> None:
    await _fill(store)

    async def found(address: str, most: int = 9) -> list[str]:
        return await store.read(record.with_address, address, NOW, NOW + 4 * DAY, most)

    assert await found(OTTO.key) == ["t1", "t2"]
    assert await found(OTTO.key, 1) == ["t1"]
    assert await found("anna@a.example") == ["t1"]
    assert await found("nobody@a.example") == []


async def test_the_same_again(store: Store) -> None:
    """A commit that is repeated, and two events of one second, break nothing."""
    for text in ("one", "two"):
        await store.write(record.write, [Entry("t1", NOW, Kind.HELD, OTTO.key, {"text": text})])
    (only,) = await store.read(record.of_transaction, "t1", NOW, NOW)
    assert only.words == {"text": "two"}


async def test_what_peers_say_can_be_kept(store: Store) -> None:
    entry = Entry("t\0", NOW, Kind.FAILED, "a\0@b", {"text": "\0\ud800 ü \n"}, "m\0")
    await store.write(record.write, [entry])
    (only,) = await store.read(record.of_transaction, "t\0", NOW, NOW)
    assert str(only.words["text"]).endswith(" ü \n")


async def test_forgotten(store: Store) -> None:
    await _fill(store)
    assert await store.write(record.forget, NOW, 9) == 0
    assert await store.write(record.forget, NOW + DAY, 2) == 2
    assert await store.write(record.forget, NOW + DAY, 2) == 1
    assert await store.write(record.forget, NOW + DAY, 2) == 0
    assert [one.kind for one in await store.read(record.of_transaction, "t1", NOW, NOW + 9 * DAY)] == [Kind.RELAYED]
