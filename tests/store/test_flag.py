"""Flags: STORE in all its modes, and UNCHANGEDSINCE."""

import pytest

from posthaus.mail.flag import ANSWERED, DELETED, SEEN
from posthaus.store import account, change, fetch, flag, mailbox, message
from posthaus.store.flag import Edit, Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, Person, made_up, person

K10, K11 = 1 << 10, 1 << 11

CASES = [
    (Mode.ADD, SEEN, (), [SEEN, SEEN | ANSWERED, SEEN | K10]),
    (Mode.ADD, 0, ("a",), [SEEN | K10, ANSWERED | K10, K10]),
    (Mode.ADD, 0, ("b",), [SEEN | K11, ANSWERED | K11, K10 | K11]),
    (Mode.REMOVE, SEEN, (), [0, ANSWERED, K10]),
    (Mode.REMOVE, SEEN | ANSWERED, ("A", "unknown"), [0, 0, 0]),
    (Mode.REPLACE, DELETED, (), [DELETED, DELETED, DELETED]),
    (Mode.REPLACE, SEEN, ("a",), [SEEN | K10, SEEN | K10, SEEN | K10]),
    (Mode.REPLACE, 0, (), [0, 0, 0]),
]


async def _three(store: Store) -> Person:
    anna = await person(store, "anna")
    for flags, keywords in ((SEEN, ()), (ANSWERED, ()), (0, ("a",))):
        await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, flags, keywords), NOW, NOW)
    return anna


async def _flags(store: Store, box: int) -> list[int]:
    return [row[0] for row in await store.read(fetch.placements, box, 1, 99, ("flags",), 99)]


@pytest.mark.parametrize(("mode", "bits", "keywords", "expected"), CASES)
async def test_store(store: Store, mode: Mode, bits: int, keywords: tuple[str, ...], expected: list[int]) -> None:
    anna = await _three(store)
    stored = await store.write(flag.store, anna.id, anna.inbox, [(1, 9)], Edit(mode, bits, keywords), NOW)
    assert await _flags(store, anna.inbox) == expected == list(stored.flags)
    assert list(stored.uids) == [1, 2, 3]
    box = await store.read(mailbox.get, anna.inbox)
    assert box.unseen == sum(not f & SEEN for f in expected)
    assert box.deleted == sum(f & DELETED != 0 for f in expected)


async def test_what_stays_as_it_is_is_not_written(store: Store) -> None:
    anna = await _three(store)
    before = await store.read(account.modseq, anna.id)
    stored = await store.write(flag.store, anna.id, anna.inbox, [(1, 3)], Edit(Mode.ADD, SEEN), NOW)
    assert stored.changed == [(2, 3)]
    modseqs = [r[0] for r in await store.read(fetch.placements, anna.inbox, 1, 9, ("modseq",), 9)]
    assert modseqs[0] <= before and modseqs[1:] == [stored.modseq] * 2
    assert [(c.kind, c.uids) for c in await store.read(change.since, anna.id, before)] == [(change.Kind.FLAGS, "2:3")]
    stored = await store.write(flag.store, anna.id, anna.inbox, [(1, 3)], Edit(Mode.ADD, SEEN), NOW)
    assert (stored.changed, await store.read(change.since, anna.id, modseqs[1])) == ([], [])


async def test_unchangedsince_refuses_what_was_changed(store: Store) -> None:
    anna = await _three(store)
    seen = await store.read(account.modseq, anna.id)
    await store.write(flag.store, anna.id, anna.inbox, [(2, 2)], Edit(Mode.ADD, DELETED), NOW)
    stored = await store.write(
        flag.store, anna.id, anna.inbox, [(1, 3)], Edit(Mode.ADD, SEEN, unchanged_since=seen), NOW
    )
    assert (list(stored.uids), list(stored.refused), stored.changed) == ([1, 3], [2], [(3, 3)])
    assert await _flags(store, anna.inbox) == [SEEN, ANSWERED | DELETED, SEEN | K10]
    stored = await store.write(flag.store, anna.id, anna.inbox, [(1, 3)], Edit(Mode.ADD, SEEN, unchanged_since=0), NOW)
    assert (list(stored.uids), list(stored.refused)) == ([], [1, 2, 3])


async def test_scattered_and_absent_uids(store: Store) -> None:
    anna = await _three(store)
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 2)], NOW, only_deleted=False)
    stored = await store.write(flag.store, anna.id, anna.inbox, [(1, 1), (3, 3), (7, 9)], Edit(Mode.ADD, DELETED), NOW)
    assert (list(stored.uids), stored.changed) == ([1, 3], [(1, 1), (3, 3)])
    assert await _flags(store, anna.inbox) == [SEEN | DELETED, K10 | DELETED]
