"""Messages over the border between two accounts: who holds what, who has seen it, and who is remembered."""

import asyncio

import pytest

from posthaus.mail.flag import ANSWERED, DELETED, EVERYTHING, FLAGGED, SEEN
from posthaus.store import account as accounts
from posthaus.store import across, change, fetch, flag, mailbox, message, purge, seen, undelete
from posthaus.store.error import NoSuchMailbox, OverQuota
from posthaus.store.flag import Edit, Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, Person, made_up, person


async def _append(store: Store, who: Person, words: str = "hello", flags: int = 0, *keywords: str) -> int:
    placing = Placing(who.id, who.inbox, flags, keywords)
    return (await store.write(message.append, made_up(words), placing, NOW - 9, NOW)).uid


async def _flags(store: Store, box: int) -> list[int]:
    return [row[1] for row in await store.read(fetch.placements, box, 1, 99, ("uid", "flags"), 99)]


async def _used(store: Store, who: Person) -> tuple[int, int]:
    found = await store.read(accounts.get, who.id)
    return found.used_octets, found.used_messages


@pytest.mark.parametrize("move", [False, True])
async def test_messages_are_held_by_the_other(store: Store, move: bool) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for words in ("a", "b", "c"):
        await _append(store, anna, words, ANSWERED, "k")
    await _append(store, ben, "z", 0, "other", "k")
    size = made_up("a").size_octets
    before = await store.read(accounts.modseq, ben.id)
    spans = [(1, 1), (3, 9)]
    copied = await store.write(across.copy, anna.id, anna.inbox, spans, ben.id, ben.inbox, NOW, move=move)
    assert (copied.source, copied.target) == ([1, 3], [2, 3])
    assert await _used(store, anna) == ((size, 1) if move else (3 * size, 3))
    assert await _used(store, ben) == (3 * size, 3)
    names = await store.read(mailbox.keywords, ben.inbox)
    k = next(bit for bit, name in names.items() if name == "k")
    assert await _flags(store, ben.inbox) == [sum(1 << bit for bit in names), ANSWERED | 1 << k, ANSWERED | 1 << k]
    assert len(await _flags(store, anna.inbox)) == (1 if move else 3)
    told = await store.read(change.since, ben.id, before)
    assert [(one.kind, one.uids) for one in told] == [(change.Kind.ADDED, "2:3")]


async def test_one_that_is_held_already_counts_once(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await store.write(message.deliver, made_up(), [Placing(p.id, p.inbox, 0) for p in (anna, ben)], NOW)
    used = await _used(store, ben)
    for _ in range(2):
        await store.write(across.copy, anna.id, anna.inbox, [(1, 1)], ben.id, ben.inbox, NOW, move=False)
    assert await _used(store, ben) == used
    await store.write(message.expunge, ben.id, ben.inbox, [(1, 9)], NOW, only_deleted=False)
    assert await _used(store, ben) == (0, 0)


@pytest.mark.parametrize("move", [False, True])
async def test_the_targets_quota_is_asked(store: Store, move: bool) -> None:
    size = made_up().size_octets
    anna, ben = await person(store, "anna"), await person(store, "ben", quota_octets=2 * size - 1)
    for _ in range(2):
        await _append(store, anna)
    with pytest.raises(OverQuota):
        await store.write(across.copy, anna.id, anna.inbox, [(1, 2)], ben.id, ben.inbox, NOW, move=move)
    assert await _flags(store, ben.inbox) == []
    await store.write(across.copy, anna.id, anna.inbox, [(1, 1)], ben.id, ben.inbox, NOW, move=move)
    await store.write(accounts.set_quota, ben.id, 0, 1)
    with pytest.raises(OverQuota):
        await store.write(across.copy, anna.id, anna.inbox, [(2, 2)], ben.id, ben.inbox, NOW, move=move)


async def test_nothing_comes_from_nothing(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    copied = await store.write(across.copy, anna.id, anna.inbox, [(1, 9)], ben.id, ben.inbox, NOW, move=True)
    assert copied.source == []
    assert await store.read(across.holders, ben.id) == (ben.id,)
    with pytest.raises(NoSuchMailbox):
        await store.write(across.copy, anna.id, anna.inbox, [(1, 9)], ben.id, anna.inbox, NOW, move=True)


async def test_only_flags_that_may_be_set_come(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, "a", SEEN | FLAGGED | DELETED, "k")
    for may in (0, DELETED, SEEN, EVERYTHING & ~(SEEN | DELETED), EVERYTHING):
        await store.write(across.copy, anna.id, anna.inbox, [(1, 1)], ben.id, ben.inbox, NOW, move=False, may=may)
    [k] = await store.read(mailbox.keywords, ben.inbox)
    own = FLAGGED | 1 << k
    assert await _flags(store, ben.inbox) == [0, DELETED, SEEN, own, own | SEEN | DELETED]


async def test_who_carries_them_has_seen_what_he_has_seen(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    for flags in (0, SEEN, 0):
        await _append(store, anna, "a", flags)
    await store.write(flag.store, anna.id, anna.inbox, [(3, 3)], Edit(Mode.ADD, SEEN), NOW, member=ben.id)
    # out of another's into his own, and into a third one's
    put = store.write
    await put(across.copy, anna.id, anna.inbox, [(1, 3)], ben.id, ben.inbox, NOW, move=False, reader=ben.id)
    assert await _flags(store, ben.inbox) == [0, 0, SEEN]
    await put(
        across.copy, anna.id, anna.inbox, [(1, 3)], cleo.id, cleo.inbox, NOW, move=False, reader=ben.id, writer=ben.id
    )
    assert await _flags(store, cleo.inbox) == [0, 0, 0]
    assert await store.read(seen.among, cleo.inbox, ben.id, [(1, 3)], wanted=True) == [3]
    # out of his own
    await put(across.copy, ben.id, ben.inbox, [(1, 3)], anna.id, anna.inbox, NOW, move=True, writer=ben.id)
    assert await _flags(store, anna.inbox) == [0, SEEN, 0, 0, 0, 0]
    assert await store.read(seen.among, anna.inbox, ben.id, [(1, 6)], wanted=True) == [3, 6]


async def test_what_comes_back_is_lost_no_longer(store: Store) -> None:
    from posthaus.flow.undelete import catch_up

    anna, ben = await person(store, "anna"), await person(store, "ben")
    await store.write(message.deliver, made_up(), [Placing(p.id, p.inbox, 0) for p in (anna, ben)], NOW)
    await store.write(message.expunge, ben.id, ben.inbox, [(1, 1)], NOW, only_deleted=False)
    await catch_up(store, ben.id, NOW)
    assert len(await store.read(undelete.listing, ben.id)) == 1
    await store.write(across.copy, anna.id, anna.inbox, [(1, 1)], ben.id, ben.inbox, NOW, move=False)
    assert await store.read(undelete.listing, ben.id) == []


async def test_from_whom_there_can_be_mail_is_remembered(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _append(store, anna)
    await store.write(across.copy, anna.id, anna.inbox, [(1, 1)], ben.id, ben.inbox, NOW, move=False)
    await store.write(across.copy, ben.id, ben.inbox, [(1, 1)], cleo.id, cleo.inbox, NOW, move=False)
    await store.write(across.copy, cleo.id, cleo.inbox, [(1, 1)], anna.id, anna.inbox, NOW, move=False)
    assert await store.read(across.holders, cleo.id) == (cleo.id, anna.id, ben.id)
    assert await store.read(across.holders, anna.id) == (anna.id, ben.id, cleo.id)
    await store.write(accounts.mark_removed, cleo.id)
    while await store.write(purge.removed_accounts, NOW, 100):
        pass
    assert await store.read(across.holders, cleo.id) == (cleo.id,)
    # what the removed one held stays with those who hold it too
    assert await _flags(store, anna.inbox) == [0, 0]
    assert await store.write(purge.emails, NOW + 1, 100) == 0


async def test_messages_go_both_ways_at_once(store: Store) -> None:
    """Both accounts are locked in the order of their ids, whoever copies: nobody waits for ever."""
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for who in (anna, ben):
        await _append(store, who)
    ways = ((anna, ben), (ben, anna)) * 10
    copies = [
        store.write(across.copy, one.id, one.inbox, [(1, 1)], other.id, other.inbox, NOW, move=False)
        for one, other in ways
    ]
    copied = await asyncio.wait_for(asyncio.gather(*copies), 60.0)
    assert sorted([one.target for one in copied]) == sorted([[uid] for uid in range(2, 12) for _ in range(2)])
    assert (await _used(store, anna))[1] == (await _used(store, ben))[1] == 2
