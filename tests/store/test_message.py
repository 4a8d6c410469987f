"""Messages: kept once, placed anywhere, moved in any pieces, and nothing of it by halves."""

import pytest

from posthaus.mail.flag import DELETED, FLAGGED, SEEN
from posthaus.mail.uidset import Ranges
from posthaus.store import account, blob, change, fetch, mailbox, message
from posthaus.store.error import NoSuchAccount, NoSuchMailbox
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person


async def _uids(store: Store, box: int) -> list[int]:
    return [row[0] for row in await store.read(fetch.placements, box, 1, 0xFFFFFFFF, ("uid",), 10_000)]


async def _counts(store: Store, box: int) -> tuple[int, int, int, int]:
    row = await store.read(mailbox.get, box)
    return row.uidnext, row.total, row.unseen, row.deleted


async def _fill(store: Store, who: Person, n: int, flags: int = 0) -> None:
    for i in range(n):
        await store.write(message.append, made_up(f"mail {i}"), Placing(who.id, who.inbox, flags), NOW, NOW)


async def _how_many(tx: Tx, table: str) -> int:
    row = await tx.one(f"SELECT count(*) FROM {table}")
    assert row is not None
    return int(row[0])


async def test_append_keeps_octets_flags_and_dates(store: Store) -> None:
    anna = await person(store, "anna")
    content = made_up("ä", prefix=b"Received: x\r\n")
    placing = Placing(anna.id, anna.inbox, SEEN | DELETED, ("$Label",))
    placed = await store.write(message.append, content, placing, NOW - 1_000, NOW)
    assert (placed.uid, placed.uidvalidity) == (1, NOW)
    assert placed.modseq == await store.read(account.modseq, anna.id)
    columns = ("uid", "flags", "modseq", "size", "received", "saved", "prefix", "head", "body", "subject", "sent_at")
    row = await store.read(fetch.one, anna.inbox, 1, columns)
    assert row == (
        1, SEEN | DELETED | 1 << 10, placed.modseq, content.size_octets, NOW - 1_000, NOW,
        content.prefix, content.head, content.body, "ä", NOW,
    )  # fmt: skip
    assert type(row) is tuple
    ids = await store.read(fetch.listing, anna.inbox)
    octets = await store.read(blob.octets, ids[0][2])
    assert octets.whole() == content.prefix + content.head + content.body
    assert await _counts(store, anna.inbox) == (2, 1, 0, 1)


async def test_text_that_no_database_can_hold_is_replaced(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, made_up("a\0b\ud800c\U0001f600"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    row = await store.read(fetch.one, anna.inbox, 1, ("subject", "base_subject", "preview", "head"))
    assert row is not None
    assert row[:3] == ("a\ufffdb\ufffdc\U0001f600", "A\ufffdB\ufffdC\U0001f600", "a\ufffdb\ufffdc\U0001f600")
    assert row[3] == made_up("a\0b\ud800c\U0001f600").head  # octets stay octets


async def test_a_message_without_a_date_and_with_every_octet(store: Store) -> None:
    anna = await person(store, "anna")
    body = bytes(range(256)) * 4
    await store.write(message.append, made_up(body=body), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    row = await store.read(fetch.one, anna.inbox, 1, ("body",))
    assert row == (body,)


async def test_deliver_to_many_keeps_one_message(store: Store) -> None:
    people = [await person(store, f"p{i}") for i in range(5)]
    other = await store.write(mailbox.create, people[2].id, "Other", "", NOW)
    placings = [Placing(p.id, p.inbox, 0) for p in reversed(people)] + [Placing(people[2].id, other, SEEN)]
    placed = await store.write(message.deliver, made_up(), placings, NOW)
    assert [(p.account, p.mailbox, p.uid) for p in placed] == [(p.account, p.mailbox, 1) for p in placings]
    assert [await store.read(_how_many, t) for t in ("message", "blob", "placement", "email")] == [1, 1, 6, 5]
    assert (await store.read(account.get, people[2].id)).used_messages == 1


async def test_twice_into_one_mailbox(store: Store) -> None:
    anna = await person(store, "anna")
    twice = [Placing(anna.id, anna.inbox, 0, ("a",)), Placing(anna.id, anna.inbox, SEEN, ("b",))]
    placed = await store.write(message.deliver, made_up(), twice, NOW)
    assert [p.uid for p in placed] == [1, 2]
    book = await store.read(change.since, anna.id, placed[0].modseq - 1)
    assert [(c.kind, c.uids) for c in book] == [(change.Kind.ADDED, "1,2"), (change.Kind.KEYWORDS, "")]
    assert (await store.read(account.get, anna.id)).used_messages == 1


async def test_a_copy_of_nothing_changes_nothing(store: Store) -> None:
    anna = await person(store, "anna")
    await _fill(store, anna, 1)
    before = await store.read(mailbox.get, anna.inbox)
    for move in (False, True):
        await store.write(message.copy, anna.id, anna.inbox, [(5, 9)], anna.inbox, NOW, move=move)
    assert await store.read(mailbox.get, anna.inbox) == before


async def test_deliver_is_all_or_none(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for bad, fault in (
        (Placing(ben.id, anna.inbox, 0), NoSuchMailbox),
        (Placing(ben.id, 4711, 0), NoSuchMailbox),
        (Placing(4711, ben.inbox, 0), NoSuchAccount),
    ):
        with pytest.raises(fault):
            await store.write(message.deliver, made_up(), [Placing(anna.id, anna.inbox, 0), bad], NOW)
    assert await _uids(store, anna.inbox) == []
    assert await store.read(_how_many, "message") == 0
    assert (await store.read(account.get, anna.id)).used_octets == 0


SETS: list[tuple[Ranges, list[int]]] = [
    ([(1, 0xFFFFFFFF)], list(range(1, 21))),
    ([(1, 20)], list(range(1, 21))),
    ([(i, i) for i in range(1, 21, 2)], list(range(1, 21, 2))),
    ([(2, 4), (7, 7), (11, 15), (19, 30)], [2, 3, 4, 7, 11, 12, 13, 14, 15, 19, 20]),
    ([(30, 40)], []),
]


@pytest.mark.parametrize(("uids", "expected"), SETS)
@pytest.mark.parametrize("move", [False, True])
async def test_copy_and_move_of_scattered_sets(store: Store, uids: Ranges, expected: list[int], move: bool) -> None:
    anna = await person(store, "anna")
    await _fill(store, anna, 20)
    target = await store.write(mailbox.create, anna.id, "T", "", NOW)
    copied = await store.write(message.copy, anna.id, anna.inbox, uids, target, NOW, move=move)
    assert (copied.source, copied.target) == (expected, list(range(1, len(expected) + 1)))
    left = [u for u in range(1, 21) if not move or u not in expected]
    assert await _uids(store, anna.inbox) == left
    subjects = [r[0] for r in await store.read(fetch.placements, target, 1, 99, ("subject",), 99)]
    assert subjects == [f"mail {u - 1}" for u in expected]
    assert await _counts(store, target) == (len(expected) + 1, len(expected), len(expected), 0)


async def test_move_and_copy_in_one_mailbox(store: Store) -> None:
    anna = await person(store, "anna")
    await _fill(store, anna, 3, FLAGGED)
    copied = await store.write(message.copy, anna.id, anna.inbox, [(2, 3)], anna.inbox, NOW, move=True)
    assert (copied.source, copied.target) == ([2, 3], [4, 5])
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], anna.inbox, NOW, move=False)
    assert await _uids(store, anna.inbox) == [1, 4, 5, 6]
    assert (await store.read(account.get, anna.id)).used_messages == 3
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 6)], NOW, only_deleted=False)
    assert (await store.read(account.get, anna.id)).used_messages == 0


async def test_copies_are_independent(store: Store) -> None:
    anna = await person(store, "anna")
    await _fill(store, anna, 1, SEEN)
    target = await store.write(mailbox.create, anna.id, "T", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], target, NOW + 5, move=False)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await store.read(fetch.one, target, 1, ("flags", "received", "saved")) == (SEEN, NOW, NOW + 5)


async def test_keywords_are_translated_into_the_targets_bits(store: Store) -> None:
    anna = await person(store, "anna")
    target = await store.write(mailbox.create, anna.id, "T", "", NOW)
    for box, sets in ((anna.inbox, ["a b", "b", "c", "a c", ""]), (target, ["c", "b", "x"])):
        for words in sets:
            await store.write(message.append, made_up(), Placing(anna.id, box, 0, tuple(words.split())), NOW, NOW)

    async def flags(box: int) -> list[str]:
        names = await store.read(mailbox.keywords, box)
        rows = await store.read(fetch.placements, box, 1, 99, ("flags",), 99)
        return [" ".join(sorted(name for bit, name in names.items() if row[0] >> bit & 1)) for row in rows]

    await store.write(message.copy, anna.id, anna.inbox, [(1, 2), (4, 5)], target, NOW, move=False)
    assert await flags(target) == ["c", "b", "x", "a b", "b", "a c", ""]
    await store.write(message.copy, anna.id, anna.inbox, [(1, 5)], target, NOW, move=True)
    assert await flags(target) == ["c", "b", "x", "a b", "b", "a c", "", "a b", "b", "c", "a c", ""]


async def test_expunge_of_the_deleted_only(store: Store) -> None:
    anna = await person(store, "anna")
    for flags in (0, DELETED, SEEN, SEEN | DELETED):
        await _fill(store, anna, 1, flags)
    _, gone = await store.write(message.expunge, anna.id, anna.inbox, [(1, 3)], NOW, only_deleted=True)
    assert gone == [2]
    _, gone = await store.write(message.expunge, anna.id, anna.inbox, [(1, 99)], NOW, only_deleted=True)
    assert gone == [4]
    _, gone = await store.write(message.expunge, anna.id, anna.inbox, [(1, 99)], NOW, only_deleted=True)
    assert gone == []
    assert await _counts(store, anna.inbox) == (5, 2, 1, 0)


async def test_what_was_expunged_can_still_be_read(store: Store) -> None:
    anna = await person(store, "anna")
    await _fill(store, anna, 1)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW + 7, only_deleted=False)
    assert await store.read(fetch.one, anna.inbox, 1, ("uid",)) is None
    row = await store.read(fetch.tombstone, anna.inbox, 1, ("subject", "body", "received"))
    assert row == ("mail 0", b"mail 0\r\n", NOW)


async def test_a_target_that_is_gone_changes_nothing(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _fill(store, anna, 2)
    gone = await store.write(mailbox.create, anna.id, "Gone", "", NOW)
    await store.write(mailbox.remove, anna.id, "Gone", NOW)
    for target in (gone, ben.inbox, 4711):
        with pytest.raises(NoSuchMailbox):
            await store.write(message.copy, anna.id, anna.inbox, [(1, 2)], target, NOW, move=True)
    assert await _uids(store, anna.inbox) == [1, 2]


async def test_each_step_is_in_the_book(store: Store) -> None:
    anna = await person(store, "anna")
    start = await store.read(account.modseq, anna.id)
    await _fill(store, anna, 3)
    target = await store.write(mailbox.create, anna.id, "T", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1), (3, 3)], target, NOW, move=True)
    await store.write(message.expunge, anna.id, target, [(1, 2)], NOW, only_deleted=False)
    kinds = change.Kind
    assert [(c.mailbox, c.kind, c.uids) for c in await store.read(change.since, anna.id, start)] == [
        (anna.inbox, kinds.ADDED, "1"),
        (anna.inbox, kinds.ADDED, "2"),
        (anna.inbox, kinds.ADDED, "3"),
        (target, kinds.MAILBOX, ""),
        (anna.inbox, kinds.GONE, "1,3"),
        (target, kinds.ADDED, "1:2"),
        (target, kinds.GONE, "1:2"),
    ]
    assert await store.read(change.since, anna.id, await store.read(account.modseq, anna.id)) == []
