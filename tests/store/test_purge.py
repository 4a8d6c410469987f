"""The purge: nothing before its horizon, everything after it, and accounts without a trace."""

import pytest

from posthaus.store import account, change, directory, fetch, flag, mailbox, message, purge
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person

TABLES = ["account", "credential", "subscription", "mailbox", "keyword", "gone", "placement", "tombstone", "email",
          "message", "blob", "change"]  # fmt: skip


async def _rows(tx: Tx) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = await tx.one(f"SELECT count(*) FROM {table}")
        if row is not None and row[0]:
            found[table] = row[0]
    return found


async def _append(store: Store, who: Person, n: int) -> None:
    for i in range(n):
        await store.write(message.append, made_up(f"mail {i}"), Placing(who.id, who.inbox, 0, ("k",)), NOW, NOW)


async def test_octets_stay_until_their_horizon(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 2)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW + 100, only_deleted=False)
    assert await store.write(purge.emails, NOW + 100, 100) == 0
    assert await store.read(fetch.tombstone, anna.inbox, 1, ("body",)) == (b"mail 0\r\n",)
    assert await store.write(purge.emails, NOW + 101, 100) == 1
    assert await store.read(fetch.tombstone, anna.inbox, 1, ("body",)) is None
    assert await store.read(fetch.tombstone, anna.inbox, 1, ("uid",)) == (1,)
    assert await store.read(fetch.one, anna.inbox, 2, ("body",)) == (b"mail 1\r\n",)
    assert await store.write(purge.tombstones, NOW + 100, 100) == 0
    assert await store.write(purge.tombstones, NOW + 101, 100) == 1
    assert await store.read(fetch.tombstone, anna.inbox, 1, ("uid",)) is None


async def test_a_message_goes_with_the_last_account_that_held_it(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await store.write(message.deliver, made_up(), [Placing(p.id, p.inbox, 0) for p in (anna, ben)], NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await store.write(purge.emails, NOW + 1, 100) == 1
    assert await store.read(fetch.one, ben.inbox, 1, ("body",)) == (b"hello\r\n",)
    await store.write(message.expunge, ben.id, ben.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await store.write(purge.emails, NOW + 1, 100) == 1
    assert not (await store.read(_rows)).keys() & {"message", "blob", "email"}


async def test_a_message_that_is_still_somewhere_stays(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 1)
    other = await store.write(mailbox.create, anna.id, "Other", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], other, NOW, move=True)
    assert await store.write(purge.emails, NOW + 1_000, 100) == 0


async def test_the_book_is_kept_until_its_horizon(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 5)
    whole = len(await store.read(change.since, anna.id, 0))
    assert await store.write(purge.changes, NOW, 100) == 0
    assert await store.write(purge.changes, NOW + 1, 2) == 2
    assert len(await store.read(change.since, anna.id, 0)) == whole - 2


async def _all(store: Store, piece: str, most: int) -> int:
    """Runs a piece until there is nothing left; the most it did at once."""
    longest = 0
    for _ in range(1_000):
        done: int = await store.write(getattr(purge, piece), NOW + 1, most)
        longest = max(longest, done)
        if not done:
            return longest
    pytest.fail("it never ends")


async def test_a_removed_mailbox_is_emptied_in_pieces(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 7)
    box = await store.write(mailbox.create, anna.id, "Old", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 7)], box, NOW, move=True)
    await store.write(mailbox.remove, anna.id, "Old", NOW)
    assert (await store.read(account.get, anna.id)).used_messages == 7
    assert await _all(store, "removed_mailboxes", 3) == 3
    assert (await store.read(account.get, anna.id)).used_messages == 0
    assert [b.id for b in await store.read(mailbox.listing, anna.id)] == [anna.inbox]
    assert (await store.read(_rows))["tombstone"] == 14  # they can be brought back


async def test_an_id_is_never_given_out_twice(store: Store) -> None:
    """Tombstones and clients keep ids of mailboxes and messages for longer than their rows live."""
    anna = await person(store, "anna")
    seen = set()
    for _ in range(3):
        box = await store.write(mailbox.create, anna.id, "Old", "", NOW)
        placed = await store.write(message.append, made_up(), Placing(anna.id, box, 0), NOW, NOW)
        row = await store.read(fetch.one, box, placed.uid, ("message",))
        assert row is not None and box not in seen
        seen.add(box)
        await store.write(mailbox.remove, anna.id, "Old", NOW)
        await _all(store, "removed_mailboxes", 100)
        await _all(store, "emails", 100)


async def test_a_removed_account_leaves_nothing_behind(store: Store) -> None:
    ben = await person(store, "ben", "b.example")
    await store.write(message.append, made_up("ben's"), Placing(ben.id, ben.inbox, 0), NOW, NOW)
    alone = await store.read(_rows)
    anna = await person(store, "anna")
    await _append(store, anna, 9)
    await store.write(message.deliver, made_up("both"), [Placing(p.id, p.inbox, 0) for p in (anna, ben)], NOW)
    box = await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 4)], box, NOW, move=False)
    await store.write(flag.store, anna.id, box, [(1, 2)], flag.Edit(flag.Mode.ADD, 0, ("k2",)), NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 3)], NOW, only_deleted=False)
    await store.write(mailbox.remove, anna.id, "a", NOW)
    await store.write(account.mark_removed, anna.id)
    await store.write(directory.remove_domain, "a.example")
    assert await _all(store, "removed_accounts", 3) == 3
    # what both had is ben's now
    expected = {**alone}
    for table in ("placement", "email", "message", "blob", "change"):
        expected[table] += 1
    assert await store.read(_rows) == expected
    assert await store.read(fetch.one, ben.inbox, 2, ("subject",)) == ("both",)
    assert [d.name for d in await store.read(directory.domains)] == ["b.example"]


async def test_a_removed_account_can_be_used_until_it_is_gone(store: Store) -> None:
    """A session that is still open when its account is removed."""
    anna = await person(store, "anna")
    await _append(store, anna, 2)
    await store.write(account.mark_removed, anna.id)
    await store.write(flag.store, anna.id, anna.inbox, [(1, 2)], flag.Edit(flag.Mode.ADD, 1, ("new",)), NOW)
    assert await store.write(purge.removed_accounts, NOW, 1) == 1
    await store.write(mailbox.create, anna.id, "late", "", NOW)
    await _all(store, "removed_accounts", 100)
    assert await store.read(_rows) == {}
