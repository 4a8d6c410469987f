"""Annotations: who sees which, how they are bounded, and where they go."""

import pytest

from posthaus.base import limit
from posthaus.store import account as accounts
from posthaus.store import annotation, change, mailbox, purge
from posthaus.store.annotation import NO_MAILBOX
from posthaus.store.error import LimitReached
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, person


async def _put(store: Store, who: Person, box: int, **values: bytes | None) -> None:
    entries = {f"/private/{name}".replace("__", "/"): value for name, value in values.items()}
    await store.write(annotation.put, who.id, box, entries)


async def test_a_value_is_set_replaced_and_taken_away(store: Store) -> None:
    anna = await person(store, "anna")
    assert await store.read(annotation.get, anna.id, anna.inbox, "/private/x") is None
    for value in (b"one", b"\0\xff", b""):
        await _put(store, anna, anna.inbox, x=value)
        assert await store.read(annotation.get, anna.id, anna.inbox, "/private/x") == value
    await _put(store, anna, anna.inbox, x=None)
    assert await store.read(annotation.get, anna.id, anna.inbox, "/private/x") is None


async def test_below_is_what_the_path_says(store: Store) -> None:
    anna = await person(store, "anna")
    await _put(store, anna, anna.inbox, a=b"0", a__b=b"1", a__b__c=b"2", ab=b"3")
    await store.write(annotation.put, anna.id, anna.inbox, {"/private/a-": b"4", "/shared/a/b": b"5"})
    found = await store.read(annotation.below, anna.id, anna.inbox, "/private/a")
    assert found == [("/private/a/b", b"1"), ("/private/a/b/c", b"2")]
    assert await store.read(annotation.below, anna.id, anna.inbox, "/shared") == [("/shared/a/b", b"5")]


async def test_each_account_and_mailbox_has_its_own(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _put(store, anna, anna.inbox, x=b"inbox")
    await _put(store, anna, NO_MAILBOX, x=b"server")
    assert await store.read(annotation.get, anna.id, NO_MAILBOX, "/private/x") == b"server"
    assert await store.read(annotation.get, ben.id, NO_MAILBOX, "/private/x") is None
    await store.write(annotation.put, anna.id, anna.inbox, {"/shared/x": b"shared", "/private/y": b"not asked for"})
    found = await store.read(annotation.of_all, anna.id, {"/private/x", "/shared/x"})
    assert found == {(anna.inbox, "/private/x"): b"inbox", (anna.inbox, "/shared/x"): b"shared"}


async def test_what_is_shared_of_the_server_is_the_houses(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(annotation.put_shared, "/shared/comment", b"hello")
    assert await store.read(annotation.get, anna.id, NO_MAILBOX, "/shared/comment") == b"hello"
    assert await store.read(annotation.get, anna.id, anna.inbox, "/shared/comment") is None
    assert await store.read(annotation.shared) == [("/shared/comment", b"hello")]
    await store.write(annotation.put_shared, "/shared/comment", None)
    assert await store.read(annotation.shared) == []


async def test_they_are_bounded_in_number_and_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = await person(store, "anna")
    monkeypatch.setattr(limit, "ANNOTATIONS", 2)
    await _put(store, anna, anna.inbox, a=b"1", b=b"2")
    with pytest.raises(LimitReached):
        await _put(store, anna, NO_MAILBOX, c=b"3")
    await _put(store, anna, anna.inbox, a=None, c=b"3")
    monkeypatch.setattr(limit, "ANNOTATION_OCTETS_IN_ALL", 3)
    with pytest.raises(LimitReached):
        await _put(store, anna, anna.inbox, c=b"333")
    assert await store.read(annotation.get, anna.id, anna.inbox, "/private/c") == b"3"
    await _put(store, anna, anna.inbox, b=None)  # who is over the limit may take away


async def test_they_follow_the_mailbox_and_go_with_it(store: Store) -> None:
    anna = await person(store, "anna")
    made = await store.write(mailbox.create, anna.id, "Old", "", NOW)
    await _put(store, anna, made, x=b"1")
    await store.write(mailbox.rename, anna.id, "Old", "New", NOW)
    assert await store.read(annotation.get, anna.id, made, "/private/x") == b"1"
    await store.write(mailbox.remove, anna.id, "New", NOW)
    while await store.write(purge.removed_mailboxes, NOW, 100):
        pass
    assert await store.read(_count) == 0


async def test_they_go_with_the_account(store: Store) -> None:
    anna = await person(store, "anna")
    await _put(store, anna, anna.inbox, x=b"1")
    await _put(store, anna, NO_MAILBOX, x=b"1")
    await store.write(accounts.mark_removed, anna.id)
    while await store.write(purge.removed_accounts, NOW, 100):
        pass
    assert await store.read(_count) == 0


async def test_the_book_names_the_entries(store: Store) -> None:
    anna = await person(store, "anna")

    async def write(tx: Tx) -> int:
        modseq = await accounts.advance(tx, anna.id)
        await change.write_entries(tx, anna.id, modseq, anna.inbox, ["/private/a b", "/shared/c"], NOW)
        return modseq

    modseq = await store.write(write)
    (found,) = await store.read(change.since, anna.id, modseq - 1)
    assert (found.mailbox, found.kind, found.entries) == (
        anna.inbox, change.Kind.ANNOTATION, ["/private/a b", "/shared/c"],
    )  # fmt: skip


async def _count(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM annotation")
    return 0 if row is None else int(row[0])
