"""\\Seen of members: against sets, beside the owner's, and carried along."""

import random
from collections.abc import Sequence

import pytest

from posthaus.mail.flag import ANSWERED, DELETED, FLAGGED, SEEN
from posthaus.mail.uidset import Ranges, from_sorted, iterate
from posthaus.store import account, change, fetch, flag, gone, mailbox, message, purge, search, seen, sync
from posthaus.store.change import Kind
from posthaus.store.error import NoSuchAccount
from posthaus.store.flag import Edit, Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person

CHUNK = gone.CHUNK


async def _append(store: Store, who: Person, flags: Sequence[int], member: int = 0) -> None:
    for each in flags:
        await store.write(message.append, made_up(), Placing(who.id, who.inbox, each, (), member), NOW, NOW)


async def _flags(store: Store, box: int, member: int = 0) -> list[int]:
    if not member:
        return [row[0] for row in await store.read(fetch.placements, box, 1, 99, ("flags",), 99)]
    rows, own = await store.read(seen.placements, box, member, 1, 99, ("uid", "flags"), 99)
    return seen.put_in(own, [row[0] for row in rows], [row[1] for row in rows])


async def _store(
    store: Store, who: Person, uids: Ranges, mode: Mode, bits: int, since: int | None = None, member: int = 0
) -> flag.Stored:
    return await store.write(
        flag.store, who.id, who.inbox, uids, Edit(mode, bits, unchanged_since=since), NOW, member=member
    )


async def _book(store: Store, who: Person, modseq: int) -> list[tuple[int, str]]:
    return [(c.kind, c.uids) for c in await store.read(change.since, who.id, modseq)]


# -- bitmaps -------------------------------------------------------------------------------------------------------


async def _pretend(tx: Tx, box: int, uidnext: int) -> None:
    """As if so many had come, and as if all had gone again: bitmaps without messages."""
    await gone.mark(tx, box, [(1, uidnext - 1)])
    await tx.run("UPDATE mailbox SET uidnext=$2 WHERE id=$1", box, uidnext)


async def test_bitmaps_against_a_set(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    chance = random.Random(7)
    uidnext = 4 * CHUNK + 77
    has: set[int] = set()
    await store.write(_pretend, anna.inbox, uidnext)
    for width in (1, 5, 100, CHUNK, 3, 2 * CHUNK, 1, 700):
        ranges = from_sorted(
            sorted({uid for a in chance.sample(range(1, uidnext), 3) for uid in range(a, min(a + width, uidnext))})
        )
        is_seen = chance.random() < 0.7
        await store.write(seen.mark, anna.inbox, ben.id, ranges, seen=is_seen)
        has = has | set(iterate(ranges)) if is_seen else has - set(iterate(ranges))
        for uids in (
            range(1, uidnext),
            sorted(chance.sample(range(1, uidnext), 99)),
            [CHUNK - 1, CHUNK],
            [uidnext - 1],
        ):
            own = await store.read(seen.read, anna.inbox, ben.id, uids[0], uids[-1])
            assert seen.picked(own, uids) == bytes([uid in has for uid in uids])
            flags = [chance.randrange(32) for _ in uids]
            assert seen.put_in(own, uids, flags) == [
                f & ~SEEN | (uid in has) for uid, f in zip(uids, flags, strict=True)
            ]
    assert await store.read(seen.read, anna.inbox, anna.id, 1, uidnext) == {}


async def _count(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM seen")
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


async def test_a_million_costs_250_rows(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await store.write(_pretend, anna.inbox, 1_000_001)
    await store.write(seen.mark, anna.inbox, ben.id, [(1, 1_000_000)], seen=True)
    assert await store.read(_count) == 245
    box = await store.read(mailbox.get, anna.inbox)
    assert await store.read(seen.unseen, box, ben.id) == 0
    assert await store.read(seen.first_unseen, box, ben.id) is None


# -- beside the owner's --------------------------------------------------------------------------------------------

OWN = [
    (Mode.ADD, SEEN, [SEEN, SEEN | ANSWERED, SEEN], [SEEN, ANSWERED, 0]),
    (Mode.ADD, SEEN | FLAGGED, [SEEN | FLAGGED, SEEN | ANSWERED | FLAGGED, SEEN | FLAGGED],
     [SEEN | FLAGGED, ANSWERED | FLAGGED, FLAGGED]),
    (Mode.REMOVE, SEEN, [0, ANSWERED, 0], [SEEN, ANSWERED, 0]),
    (Mode.REMOVE, SEEN | ANSWERED, [0, 0, 0], [SEEN, 0, 0]),
    (Mode.REPLACE, SEEN, [SEEN, SEEN, SEEN], [SEEN, 0, 0]),
    (Mode.REPLACE, DELETED, [DELETED, DELETED, DELETED], [SEEN | DELETED, DELETED, DELETED]),
    (Mode.REPLACE, 0, [0, 0, 0], [SEEN, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "bits", "his", "owners"), OWN)
async def test_store(store: Store, mode: Mode, bits: int, his: list[int], owners: list[int]) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [SEEN, ANSWERED, 0])
    await _store(store, anna, [(2, 2)], Mode.ADD, SEEN, member=ben.id)
    stored = await _store(store, anna, [(1, 9)], mode, bits, member=ben.id)
    assert (list(stored.uids), list(stored.flags)) == ([1, 2, 3], his)
    assert await _flags(store, anna.inbox, ben.id) == his
    assert await _flags(store, anna.inbox) == owners
    assert await store.read(seen.dense_flags, anna.inbox, ben.id, 1, 3) == his
    box = await store.read(mailbox.get, anna.inbox)
    assert (box.unseen, box.deleted) == (sum(not f & SEEN for f in owners), sum(f & DELETED != 0 for f in owners))
    assert await store.read(seen.unseen, box, ben.id) == sum(not f & SEEN for f in his)
    unseen = [uid for uid, f in enumerate(his, 1) if not f & SEEN]
    assert await store.read(seen.first_unseen, box, ben.id) == (unseen[0] if unseen else None)
    assert await store.read(seen.among, anna.inbox, ben.id, [(1, 3)], wanted=False) == unseen


async def test_his_seen_is_told_as_his_and_the_rest_to_all(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [SEEN, FLAGGED, 0])
    before = await store.read(account.modseq, anna.id)
    stored = await _store(store, anna, [(1, 3)], Mode.ADD, SEEN, member=ben.id)
    assert await _book(store, anna, before) == [(Kind.SEEN, f"{ben.id} 1:3")]
    [told] = await store.read(change.since, anna.id, before)
    assert told.seen == (ben.id, [(1, 3)])
    modseqs = [row[0] for row in await store.read(fetch.placements, anna.inbox, 1, 3, ("modseq",), 9)]
    assert modseqs == [stored.modseq] * 3 and (await store.read(mailbox.get, anna.inbox)).modseq == stored.modseq
    again = await _store(store, anna, [(1, 3)], Mode.ADD, SEEN | FLAGGED, member=ben.id)
    assert await _book(store, anna, stored.modseq) == [(Kind.FLAGS, "1,3")] and again.changed == [(1, 1), (3, 3)]
    both = await _store(store, anna, [(1, 3)], Mode.REPLACE, 0, member=ben.id)
    assert await _book(store, anna, again.modseq) == [(Kind.FLAGS, "1:3"), (Kind.SEEN, f"{ben.id} 1:3")]
    nothing = await _store(store, anna, [(1, 3)], Mode.REMOVE, SEEN, member=ben.id)
    assert (nothing.changed, await _book(store, anna, both.modseq)) == ([], [])


async def test_members_do_not_see_each_others(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _append(store, anna, [0, 0])
    await _store(store, anna, [(1, 1)], Mode.ADD, SEEN, member=ben.id)
    await _store(store, anna, [(2, 2)], Mode.ADD, SEEN, member=cleo.id)
    assert await _flags(store, anna.inbox, ben.id) == [SEEN, 0]
    assert await _flags(store, anna.inbox, cleo.id) == [0, SEEN]
    assert await _flags(store, anna.inbox) == [0, 0]
    await _store(store, anna, [(1, 2)], Mode.ADD, SEEN)
    await _store(store, anna, [(1, 2)], Mode.REMOVE, SEEN, member=ben.id)
    assert await _flags(store, anna.inbox) == [SEEN, SEEN]
    assert await _flags(store, anna.inbox, cleo.id) == [0, SEEN]


async def test_unchangedsince_holds_for_all(store: Store) -> None:
    """There is one MODSEQ, whosever \\Seen it was that changed."""
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [0, 0])
    known = await store.read(account.modseq, anna.id)
    await _store(store, anna, [(2, 2)], Mode.ADD, SEEN)
    stored = await _store(store, anna, [(1, 2)], Mode.ADD, SEEN, known, ben.id)
    assert (list(stored.uids), list(stored.refused), stored.changed) == ([1], [2], [(1, 1)])
    assert await _flags(store, anna.inbox, ben.id) == [SEEN, 0]
    stored = await _store(store, anna, [(1, 1)], Mode.ADD, FLAGGED, known)
    assert (list(stored.refused), stored.changed) == ([1], [])


async def test_what_has_a_new_modseq_is_told_to_who_asks_for_it(store: Store) -> None:
    """By the book and, before its beginning, by the rows: RFC 7162 §3.1.4.1 speaks of the MODSEQ."""
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [0, 0, 0])
    before = await store.read(account.modseq, anna.id)
    await _store(store, anna, [(2, 2)], Mode.ADD, SEEN, member=ben.id)
    box = await store.read(mailbox.get, anna.inbox)
    told = await store.read(sync.since, box, before, [(1, 3)])
    await store.write(purge.changes, NOW + 1, 99)
    assert told == await store.read(sync.since, box, before, [(1, 3)]) == sync.Since([(2, 2)], [])


async def test_append(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [SEEN | FLAGGED, FLAGGED], ben.id)
    assert await _flags(store, anna.inbox, ben.id) == [SEEN | FLAGGED, FLAGGED]
    assert await _flags(store, anna.inbox) == [FLAGGED, FLAGGED]
    assert (await store.read(mailbox.get, anna.inbox)).unseen == 2


# -- expunge, copy and what is left --------------------------------------------------------------------------------


async def test_what_is_gone_counts_nowhere(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, [0] * 5)
    await _store(store, anna, [(1, 3)], Mode.ADD, SEEN, member=ben.id)
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 2), (4, 4)], NOW, only_deleted=False)
    box = await store.read(mailbox.get, anna.inbox)
    assert await store.read(seen.unseen, box, ben.id) == 1
    assert await store.read(seen.first_unseen, box, ben.id) == 5
    assert await store.read(seen.among, anna.inbox, ben.id, [(1, 5)], wanted=True) == [1, 3]
    assert await store.read(seen.among, anna.inbox, ben.id, [(1, 4)], wanted=False) == []
    assert await store.read(seen.dense_flags, anna.inbox, ben.id, 1, 3) is None
    await _append(store, anna, [0])
    assert (await _flags(store, anna.inbox, ben.id))[-1] == 0


@pytest.mark.parametrize("move", [True, False])
async def test_copies_are_seen_by_whom_the_messages_were(store: Store, move: bool) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _append(store, anna, [SEEN, 0, 0, 0, 0])
    await _store(store, anna, [(2, 3), (5, 5)], Mode.ADD, SEEN, member=ben.id)
    await _store(store, anna, [(4, 4)], Mode.ADD, SEEN, member=cleo.id)
    done = await store.write(mailbox.create, anna.id, "Done", "", NOW)
    await store.write(message.append, made_up(), Placing(anna.id, done, SEEN, (), ben.id), NOW, NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 2), (4, 5)], done, NOW, move=move)
    assert await _flags(store, done) == [0, SEEN, 0, 0, 0]
    assert await _flags(store, done, ben.id) == [SEEN, 0, SEEN, 0, SEEN]
    assert await _flags(store, done, cleo.id) == [0, 0, 0, SEEN, 0]


async def test_rows_go_with_the_mailbox_and_with_the_member(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    old = await store.write(mailbox.create, anna.id, "Old", "", NOW)
    for box in (anna.inbox, old):
        await store.write(message.append, made_up(), Placing(anna.id, box, 0), NOW, NOW)
        for who in (ben, cleo):
            await store.write(flag.store, anna.id, box, [(1, 1)], Edit(Mode.ADD, SEEN), NOW, member=who.id)
    assert await store.read(_count) == 4
    await store.write(mailbox.remove, anna.id, "Old", NOW)
    while await store.write(purge.removed_mailboxes, NOW, 1) or await store.write(purge.tombstones, NOW + 1, 1):
        pass
    assert await store.read(_count) == 2
    await store.write(account.mark_removed, ben.id)
    while await store.write(purge.removed_accounts, NOW + 1, 1):
        pass
    assert await store.read(_count) == 1
    assert await _flags(store, anna.inbox, cleo.id) == [SEEN]
    with pytest.raises(NoSuchAccount):  # a session of his that is still open
        await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], Edit(Mode.ADD, SEEN), NOW, member=ben.id)


# -- searching -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 2, 7, 90])
async def test_narrow_against_the_flags(store: Store, every: int) -> None:
    """Every n-th is seen: in few runs, in many, and in more than are asked for one by one."""
    anna, ben = await person(store, "anna"), await person(store, "ben")
    chance = random.Random(3)
    n = 400
    await _append(store, anna, [chance.choice([0, SEEN, FLAGGED, SEEN | DELETED]) for _ in range(n)])
    his = from_sorted([uid for uid in range(1, n + 1) if uid % every == 0])
    await _store(store, anna, his, Mode.ADD, SEEN, member=ben.id)
    await store.write(message.expunge, anna.id, anna.inbox, [(100, 120)], NOW, only_deleted=True)
    rows, own = await store.read(seen.placements, anna.inbox, ben.id, 1, n, ("uid", "flags"), n)
    flags = dict(zip([r[0] for r in rows], seen.put_in(own, [r[0] for r in rows], [r[1] for r in rows]), strict=True))
    for uids in ([(1, n)], [(50, 130)], [(1, 3), (90, 101), (300, 390)]):
        for mask, value in ((0, 0), (SEEN, 0), (SEEN, SEEN), (SEEN | FLAGGED, FLAGGED), (FLAGGED, 0)):
            expected = [(uid, f) for uid in iterate(uids) if (f := flags.get(uid, -1)) >= 0 and f & mask == value]
            args = anna.inbox, ben.id, uids, mask, value
            assert [tuple(r) for r in await store.read(seen.narrow, *args, ("uid", "flags"))] == expected
            assert [r[0] for r in await store.read(seen.narrow, *args, ("uid",))] == [uid for uid, _ in expected]
    owners = await store.read(search.narrow, anna.inbox, [(1, n)], SEEN, SEEN, ("uid",))
    assert len(owners) == sum(f & SEEN for f in await store.read(fetch.dense_flags, anna.inbox, 121, n) or []) + sum(
        r[1] & SEEN for r in await store.read(fetch.placements, anna.inbox, 1, 120, ("uid", "flags"), n)
    )
