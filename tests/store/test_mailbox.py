"""Mailboxes: names, hierarchy, special use, and a UIDVALIDITY that never comes back."""

import pytest

from posthaus.store import change, fetch, flag, mailbox, message
from posthaus.store.error import (
    InvalidName,
    LimitReached,
    MailboxExists,
    MailboxHasChildren,
    NoSuchMailbox,
    NotPermitted,
)
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up, person

GOOD = ["Sent", "a/b/c", "INBOX/x", "Entwürfe", "日本語", "a b", "~", "x" * 1_000, "/".join("abcdefghij" * 5)]
BAD = ["", "/", "a//b", "/a", "a/", "..", "a/../b", ".", "a/.", "x\0", "x\x7f", "x\x85", "a%", "a*", "a\ufffd",
       "\u2028", "\ud800", "x" * 1_001, "/".join("a" * 51)]  # fmt: skip


async def _names(store: Store, account: int) -> list[str]:
    return [box.name for box in await store.read(mailbox.listing, account)]


@pytest.mark.parametrize("name", GOOD)
def test_names_that_can_be(name: str) -> None:
    assert mailbox.checked_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidName):
        mailbox.checked_name(name)


async def test_whatever_is_asked_for_is_only_not_there(store: Store) -> None:
    anna = await person(store, "anna")
    for name in (*BAD, "no"):
        with pytest.raises(NoSuchMailbox):
            await store.read(mailbox.find, anna.id, name)


async def test_superiors_are_made_too(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "a/b/c", "", NOW)
    assert await _names(store, anna.id) == ["INBOX", "a", "a/b", "a/b/c"]
    validities = [box.uidvalidity for box in await store.read(mailbox.listing, anna.id)]
    assert len(set(validities)) == 4
    with pytest.raises(MailboxExists):
        await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    with pytest.raises(MailboxExists):
        await store.write(mailbox.create, anna.id, "inbox", "", NOW)


async def test_inbox_has_one_name_whatever_its_case(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "iNbOx/Sub", "", NOW)
    assert (await store.read(mailbox.find, anna.id, "Inbox")).id == anna.inbox
    assert (await store.read(mailbox.find, anna.id, "inbox/Sub")).name == "INBOX/Sub"
    with pytest.raises(NotPermitted):
        await store.write(mailbox.remove, anna.id, "inbox", NOW)


async def test_a_name_with_inferiors_stays_as_a_name(store: Store) -> None:
    anna = await person(store, "anna")
    first = await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    await store.write(mailbox.remove, anna.id, "a", NOW)
    states = {box.name: box.state for box in await store.read(mailbox.listing, anna.id)}
    assert states == {"INBOX": 0, "a": mailbox.NAME_ONLY, "a/b": 0}
    with pytest.raises(NoSuchMailbox):
        await store.read(mailbox.find, anna.id, "a")
    with pytest.raises(MailboxHasChildren):
        await store.write(mailbox.remove, anna.id, "a", NOW)
    await store.write(mailbox.create, anna.id, "a", r"\Archive", NOW)
    again = await store.read(mailbox.find, anna.id, "a")
    assert again.special_use == r"\Archive"
    assert (await store.read(mailbox.get, first)).name == "a/b"


async def test_uidvalidity_is_new_in_the_same_second(store: Store) -> None:
    anna = await person(store, "anna")
    seen = {box.uidvalidity for box in await store.read(mailbox.listing, anna.id)}
    for inferior in ("", "/x"):
        for _ in range(3):
            await store.write(mailbox.create, anna.id, "a" + inferior, "", NOW)
            one = (await store.read(mailbox.find, anna.id, "a")).uidvalidity
            assert one not in seen
            seen.add(one)
            if inferior:
                seen.add((await store.read(mailbox.find, anna.id, "a/x")).uidvalidity)
                await store.write(mailbox.remove, anna.id, "a/x", NOW)
            await store.write(mailbox.remove, anna.id, "a", NOW)


async def test_rename_takes_the_inferiors_along(store: Store) -> None:
    anna = await person(store, "anna")
    for name in ("a/b/c", "a!", "a0", "ab", "a/ü"):
        await store.write(mailbox.create, anna.id, name, "", NOW)
    before = {box.id: box.uidvalidity for box in await store.read(mailbox.listing, anna.id)}
    await store.write(mailbox.rename, anna.id, "a", "z/y", NOW)
    assert await _names(store, anna.id) == ["INBOX", "a!", "a0", "ab", "z", "z/y", "z/y/b", "z/y/b/c", "z/y/ü"]
    after = {box.id: box.uidvalidity for box in await store.read(mailbox.listing, anna.id)}
    assert before.items() < after.items()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("a", "a/b/c", NotPermitted),
        ("a", "inbox", NotPermitted),
        ("a", "c", MailboxExists),
        ("a", "a", MailboxExists),
        ("no", "d", NoSuchMailbox),
        ("a", "x/../y", InvalidName),
        ("a", "x" * 999, InvalidName),
    ],
)
async def test_renames_that_are_refused(store: Store, old: str, new: str, fault: type[Exception]) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    await store.write(mailbox.create, anna.id, "c", "", NOW)
    with pytest.raises(fault):
        await store.write(mailbox.rename, anna.id, old, new, NOW)
    assert await _names(store, anna.id) == ["INBOX", "a", "a/b", "c"]


async def test_rename_of_inbox_leaves_it_and_its_inferiors(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "INBOX/x", "", NOW)
    await store.write(mailbox.rename, anna.id, "inbox", "Old", NOW)
    assert await _names(store, anna.id) == ["INBOX", "INBOX/x", "Old"]
    assert (await store.read(mailbox.find, anna.id, "INBOX")).id == anna.inbox


async def test_special_use_is_had_once(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "Sent", r"\Sent", NOW)
    with pytest.raises(NotPermitted):
        await store.write(mailbox.create, anna.id, "Sent2", r"\Sent", NOW)
    await store.write(mailbox.remove, anna.id, "Sent", NOW)
    await store.write(mailbox.create, anna.id, "Sent2", r"\Sent", NOW)


async def test_subscriptions_need_no_mailbox(store: Store) -> None:
    anna = await person(store, "anna")
    for wanted, name in ((True, "b"), (True, "a"), (True, "a"), (False, "inbox"), (False, "never")):
        await store.write(mailbox.subscribe, anna.id, name, wanted, NOW)
    assert await store.read(mailbox.subscriptions, anna.id) == ["a", "b"]
    with pytest.raises(InvalidName):
        await store.write(mailbox.subscribe, anna.id, "..", True, NOW)


async def test_first_unseen_and_its_mark(store: Store) -> None:
    anna = await person(store, "anna")
    for _ in range(5):
        await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0), NOW, NOW)

    async def first_unseen() -> int | None:
        return await store.read(mailbox.first_unseen, await store.read(mailbox.get, anna.inbox))

    async def seen(uids: list[tuple[int, int]], mode: flag.Mode) -> None:
        await store.write(flag.store, anna.id, anna.inbox, uids, flag.Edit(mode, 1), NOW)

    assert await first_unseen() == 1
    await seen([(1, 3)], flag.Mode.ADD)
    assert await first_unseen() == 4
    await store.write(mailbox.note_opened, anna.inbox, 6, 4)
    box = await store.read(mailbox.get, anna.inbox)
    assert (box.recent_from, box.unseen_from) == (6, 4)
    await store.write(mailbox.note_opened, anna.inbox, 3, 2)  # an older view changes nothing
    box = await store.read(mailbox.get, anna.inbox)
    assert (box.recent_from, box.unseen_from) == (6, 4)
    await seen([(2, 2)], flag.Mode.REMOVE)
    assert await first_unseen() == 2
    await seen([(1, 5)], flag.Mode.ADD)
    assert await first_unseen() is None


async def test_keywords_are_the_mailboxs_own_and_limited(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0, ("$A", "b")), NOW, NOW)
    assert await store.read(mailbox.keywords, anna.inbox) == {10: "$A", 11: "b"}
    names = [f"k{i}" for i in range(51)]
    await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], flag.Edit(flag.Mode.ADD, 0, names), NOW)
    with pytest.raises(LimitReached):
        await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], flag.Edit(flag.Mode.ADD, 0, ["one-more"]), NOW)
    await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], flag.Edit(flag.Mode.ADD, 0, ["$a", "B", "K50"]), NOW)
    row = await store.read(fetch.one, anna.inbox, 1, ("flags",))
    assert row is not None and row[0] == ((1 << 53) - 1) << 10


async def test_each_step_is_in_the_book(store: Store) -> None:
    anna = await person(store, "anna")
    start = (await store.read(mailbox.get, anna.inbox)).modseq
    a = await store.write(mailbox.create, anna.id, "a", "", NOW)
    await store.write(mailbox.rename, anna.id, "a", "b", NOW)
    await store.write(mailbox.subscribe, anna.id, "b", True, NOW)
    await store.write(mailbox.remove, anna.id, "b", NOW)
    book = await store.read(change.since, anna.id, start)
    assert [(c.mailbox, c.kind) for c in book] == [
        (a, change.Kind.MAILBOX),
        (a, change.Kind.MAILBOX),
        (0, change.Kind.SUBSCRIPTION),
        (a, change.Kind.MAILBOX),
    ]
    assert [c.modseq for c in book] == sorted({c.modseq for c in book})
