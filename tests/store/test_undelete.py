"""Deleted messages: what is offered, what comes back and how, and that nothing of it is counted twice."""

import dataclasses
from collections.abc import Sequence

import pytest

from posthaus.base import limit
from posthaus.flow.undelete import catch_up
from posthaus.mail.flag import DELETED, DRAFT, FLAGGED, SEEN
from posthaus.mail.prepared import Prepared
from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.store import account, change, fetch, flag, lost, mailbox, message, purge, undelete
from posthaus.store.error import InvalidName, MailboxExists, NoSuchMailbox, NotPermitted, OverQuota
from posthaus.store.mailbox import VIEW, VIEW_NAME
from posthaus.store.message import Content, Copied, Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.store.undelete import Lost
from posthaus.testing.storehouse import NOW, Person, made_up, person

PLACED = ("uid", "subject", "flags", "received", "saved")


async def _append(store: Store, who: Person, n: int, box: int = 0) -> None:
    for i in range(n):
        placing = Placing(who.id, box or who.inbox, 0)
        await store.write(message.append, made_up(f"mail {i}"), placing, NOW + i, NOW + i)


async def _expunge(store: Store, who: Person, box: int, *uids: int, at: int = NOW + 100) -> None:
    ranges = from_sorted(uids)
    await store.write(message.expunge, who.id, box, ranges, at, only_deleted=False)


async def _lost(store: Store, who: Person, now: int = NOW + 200) -> list[Lost]:
    await catch_up(store, who.id, now)
    return await store.read(undelete.listing, who.id)


async def _back(store: Store, who: Person, some: Sequence[Lost], now: int = NOW + 300, target: int = 0) -> list[Copied]:
    uids: Ranges = from_sorted(sorted(one.uid for one in some))
    return await store.write(undelete.bring_back, who.id, uids, now, target=target)


async def _subjects(store: Store, box: int) -> list[tuple[int, str]]:
    rows = await store.read(fetch.placements, box, 1, 1_000, ("uid", "subject"), 1_000)
    return [(row[0], row[1]) for row in rows]


def _version(words: str, *, message_id: str = "", subject: str = "") -> Content:
    content = made_up(words)
    assert isinstance(content.prepared, Prepared)
    prepared = dataclasses.replace(content.prepared, message_id=message_id, base_subject=subject, references=())
    return dataclasses.replace(content, prepared=prepared)


# -- back ----------------------------------------------------------------------------------------------------------


async def test_what_was_expunged_comes_back_as_it_was(store: Store) -> None:
    anna = await person(store, "anna")
    placing = Placing(anna.id, anna.inbox, SEEN | FLAGGED, ("urgent", "home"))
    await store.write(message.append, made_up("kept"), placing, NOW - 5, NOW)
    await _append(store, anna, 1)
    await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], flag.Edit(flag.Mode.ADD, DELETED), NOW)
    before = await store.read(account.get, anna.id)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 2)], NOW + 100, only_deleted=True)
    found = await _lost(store, anna)
    assert [(one.mailbox, one.was_uid, one.subject, one.sender, one.size, one.expunged) for one in found] == [
        ("INBOX", 1, "kept", "Anna <anna@a.example>", made_up("kept").size_octets, NOW + 100)
    ]
    modseq = await store.read(account.modseq, anna.id)
    [copied] = await _back(store, anna, found)
    assert (copied.source, copied.target) == ([1], [3])
    keywords = await store.read(mailbox.keywords, anna.inbox)
    bits = sum(1 << bit for bit, name in keywords.items() if name in ("urgent", "home"))
    assert await store.read(fetch.one, anna.inbox, 3, PLACED) == (
        3, "kept", SEEN | FLAGGED | bits, NOW - 5, NOW + 300
    )  # fmt: skip
    assert await store.read(account.get, anna.id) == before  # the quota, too
    book = await store.read(change.of_mailbox, anna.id, anna.inbox, modseq)
    assert [(one.kind, one.uids) for one in book] == [(change.Kind.ADDED, "3")]


async def test_it_comes_back_once(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 3)
    await _expunge(store, anna, anna.inbox, 1, 2)
    found = await _lost(store, anna)
    assert [one.was_uid for one in found] == [2, 1]  # newest first
    await _back(store, anna, found)
    assert [copied.target for copied in await _back(store, anna, found)] == []
    assert await _lost(store, anna) == []
    assert await _subjects(store, anna.inbox) == [(3, "mail 2"), (4, "mail 0"), (5, "mail 1")]
    # deleted again it is offered again, with a UID of its own
    await _expunge(store, anna, anna.inbox, 4, at=NOW + 400)
    assert [(one.was_uid, one.uid) for one in await _lost(store, anna, NOW + 500)] == [(4, 3)]


async def test_the_view_says_what_it_shows(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 4)
    await store.write(flag.store, anna.id, anna.inbox, [(2, 2)], flag.Edit(flag.Mode.ADD, SEEN | DELETED, ("k",)), NOW)
    await _expunge(store, anna, anna.inbox, 1, 2)
    await _lost(store, anna)
    box, _ = await store.read(mailbox.find_at, anna.id, VIEW_NAME)
    assert (box.state, box.total, box.unseen, box.deleted, box.uidnext) == (VIEW, 2, 1, 0, 3)
    rows = await store.read(fetch.placements, box.id, 1, 9, ("uid", "subject", "received", "saved"), 9)
    assert list(rows) == [(1, "mail 0", NOW, NOW + 100), (2, "mail 1", NOW + 1, NOW + 100)]
    await _expunge(store, anna, anna.inbox, 3, at=NOW + 150)
    await _lost(store, anna)
    later, _ = await store.read(mailbox.find_at, anna.id, VIEW_NAME)
    assert (later.id, later.uidvalidity, later.uidnext, later.total) == (box.id, box.uidvalidity, 4, 3)


async def test_a_look_writes_only_where_something_was_expunged(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 2)
    await _expunge(store, anna, anna.inbox, 1)
    await _lost(store, anna)
    await _append(store, anna, 2)
    modseq = await store.read(account.modseq, anna.id)
    assert len(await _lost(store, anna)) == 1
    assert await store.read(account.modseq, anna.id) == modseq


async def test_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "UNDELETE_PIECE", 2)
    anna = await person(store, "anna")
    await _append(store, anna, 7)
    await _expunge(store, anna, anna.inbox, 1, 3, 4, 5, 7)
    assert [one.was_uid for one in await _lost(store, anna)] == [7, 5, 4, 3, 1]


async def test_after_a_restore_the_book_is_not_needed(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 3)
    await _expunge(store, anna, anna.inbox, 1)
    await _lost(store, anna)
    await _expunge(store, anna, anna.inbox, 2)

    async def lose_the_book(tx: Tx) -> None:
        await tx.run("DELETE FROM change")

    await store.write(lose_the_book)
    assert [one.was_uid for one in await _lost(store, anna)] == [2, 1]
    modseq = await store.read(account.modseq, anna.id)
    assert len(await _lost(store, anna)) == 2
    assert await store.read(account.modseq, anna.id) == modseq


# -- what is not offered -------------------------------------------------------------------------------------------


async def test_what_is_still_somewhere_is_not_offered(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 3)
    trash = await store.write(mailbox.create, anna.id, "Trash", "\\Trash", NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], trash, NOW + 50, move=True)
    await store.write(message.copy, anna.id, anna.inbox, [(2, 2)], trash, NOW + 50, move=False)
    await _expunge(store, anna, anna.inbox, 2)
    assert await _lost(store, anna) == []
    await _expunge(store, anna, trash, 1, 2, at=NOW + 150)
    found = await _lost(store, anna)
    assert [(one.mailbox, one.was_uid) for one in found] == [("Trash", 2), ("Trash", 1)]  # where it was last


async def test_superseded_drafts_are_not_offered(store: Store) -> None:
    anna = await person(store, "anna")
    drafts = await store.write(mailbox.create, anna.id, "Drafts", "\\Drafts", NOW)
    sent = await store.write(mailbox.create, anna.id, "Sent", "\\Sent", NOW)
    contents = [
        _version("first", message_id="1@a"), _version("second", message_id="1@a"),  # one Message-ID
        _version("third", subject="LETTER"), _version("fourth", subject="LETTER"),  # one subject, at one time
        _version("sent", message_id="2@a"), _version("alone", message_id="3@a"), _version("nothing said"),
    ]  # fmt: skip
    for content in contents:
        await store.write(message.append, content, Placing(anna.id, drafts, SEEN | DRAFT), NOW, NOW + 90)
    await store.write(message.append, contents[4], Placing(anna.id, sent, SEEN), NOW, NOW + 95)
    await _expunge(store, anna, drafts, 1, 3, 5, 6, 7)
    assert [one.subject for one in await _lost(store, anna)] == ["nothing said", "alone"]
    # long after it was saved the later one of the same subject replaces nothing
    await _expunge(store, anna, drafts, 2, 4, at=NOW + 10_000)
    assert [one.subject for one in await _lost(store, anna)] == ["fourth", "second", "nothing said", "alone"]


# -- mailboxes -----------------------------------------------------------------------------------------------------


async def test_a_removed_mailbox_comes_back_with_its_messages(store: Store) -> None:
    anna = await person(store, "anna")
    work = await store.write(mailbox.create, anna.id, "Work/2026", "", NOW)
    for i in range(3):
        await store.write(message.append, made_up(f"w{i}"), Placing(anna.id, work, 0, ("k",)), NOW, NOW)
    await store.write(mailbox.remove, anna.id, "Work/2026", NOW + 10)
    found = await _lost(store, anna)  # at once, not when the sweep has been there
    assert {one.mailbox for one in found} == {"Work/2026"} and len(found) == 3
    assert await store.write(purge.removed_mailboxes, NOW + 20, 100) == 0  # its row stays while it can be needed
    await _back(store, anna, found)
    made, _ = await store.read(mailbox.find_at, anna.id, "Work/2026")
    assert made.id != work and await _subjects(store, made.id) == [(1, "w0"), (2, "w1"), (3, "w2")]
    assert list((await store.read(mailbox.keywords, made.id)).values()) == ["k"]
    assert await store.write(purge.tombstones, NOW + 1_000, 100) == 3
    assert await store.write(purge.removed_mailboxes, NOW + 1_000, 100) == 1
    assert await store.write(purge.removed_mailboxes, NOW + 1_000, 100) == 0


async def test_where_the_mailbox_has_another_name_or_another_has_its_name(store: Store) -> None:
    anna = await person(store, "anna")
    old = await store.write(mailbox.create, anna.id, "Old", "", NOW)
    gone = await store.write(mailbox.create, anna.id, "Gone", "", NOW)
    await _append(store, anna, 1, old)
    await _append(store, anna, 1, gone)
    await _expunge(store, anna, old, 1)
    await store.write(mailbox.remove, anna.id, "Gone", NOW)
    await store.write(mailbox.rename, anna.id, "Old", "New", NOW)
    again = await store.write(mailbox.create, anna.id, "Gone", "", NOW)
    found = await _lost(store, anna)
    assert sorted(one.mailbox for one in found) == ["Gone", "New"]
    await _back(store, anna, found)
    assert await _subjects(store, old) == [(2, "mail 0")]
    assert await _subjects(store, again) == [(1, "mail 0")]


async def test_where_only_the_name_is_left_it_is_a_mailbox_again(store: Store) -> None:
    anna = await person(store, "anna")
    above = await store.write(mailbox.create, anna.id, "a", "", NOW)
    await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    await _append(store, anna, 1, above)
    await store.write(mailbox.remove, anna.id, "a", NOW)
    await _back(store, anna, await _lost(store, anna))
    made, _ = await store.read(mailbox.find_at, anna.id, "a")
    assert await _subjects(store, made.id) == [(1, "mail 0")]


async def test_where_no_mailbox_can_be_made_inbox_takes_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = await person(store, "anna")
    box = await store.write(mailbox.create, anna.id, "Box", "", NOW)
    await _append(store, anna, 1, box)
    await store.write(mailbox.remove, anna.id, "Box", NOW)
    found = await _lost(store, anna)
    monkeypatch.setattr(limit, "MAILBOXES_PER_ACCOUNT", 1)
    await _back(store, anna, found)
    assert await _subjects(store, anna.inbox) == [(1, "mail 0")]


async def test_into_one_mailbox(store: Store) -> None:
    anna = await person(store, "anna")
    box = await store.write(mailbox.create, anna.id, "Box", "", NOW)
    await _append(store, anna, 2, box)
    await _append(store, anna, 1)
    await _expunge(store, anna, anna.inbox, 1, at=NOW + 50)
    await _expunge(store, anna, box, 1, 2)
    [copied] = await _back(store, anna, await _lost(store, anna), target=anna.inbox)
    assert (copied.source, copied.target) == ([1, 2, 3], [2, 3, 4])
    with pytest.raises(NoSuchMailbox):
        await store.write(undelete.bring_back, anna.id, [(1, 3)], NOW, target=4_711)


async def test_nobody_else_makes_fills_renames_or_removes_the_view(store: Store) -> None:
    anna = await person(store, "anna")
    for _ in range(2):  # before there is one, and after
        for below, fault in (("", MailboxExists), ("/x", InvalidName)):
            with pytest.raises(fault):
                await store.write(mailbox.create, anna.id, VIEW_NAME + below, "", NOW)
            with pytest.raises(fault):
                await store.write(mailbox.rename, anna.id, "INBOX", VIEW_NAME + below, NOW)
        with pytest.raises(NotPermitted):
            await store.write(mailbox.remove, anna.id, VIEW_NAME, NOW)
        with pytest.raises(NotPermitted):
            await store.write(mailbox.rename, anna.id, VIEW_NAME, "Other", NOW)
        with pytest.raises(NotPermitted):
            await store.read(mailbox.find, anna.id, VIEW_NAME)
        await catch_up(store, anna.id, NOW)


async def test_a_mailbox_of_that_name_keeps_it(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(mailbox.create, anna.id, "Deleted Messages", "\\Trash", NOW)
    assert [box.name for box in await store.read(mailbox.with_view, anna.id)][-1] == "Deleted messages (2)"
    await catch_up(store, anna.id, NOW)
    box, _ = await store.read(mailbox.find_at, anna.id, "Deleted messages (2)")
    assert box.state == VIEW


# -- quota and purge -----------------------------------------------------------------------------------------------


async def test_the_quota_is_asked_and_says_by_how_much(store: Store) -> None:
    size = made_up("mail 0").size_octets
    anna = await person(store, "anna", quota_octets=2 * size)
    await _append(store, anna, 2)
    await _expunge(store, anna, anna.inbox, 1)
    await store.write(message.append, made_up("mail 9"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    found = await _lost(store, anna)
    with pytest.raises(OverQuota):
        await store.read(undelete.check_room, anna.id, size, 1)
    with pytest.raises(OverQuota, match=f"{size} B more than"):
        await _back(store, anna, found)
    assert await _lost(store, anna) == found
    await _expunge(store, anna, anna.inbox, 2)
    await _back(store, anna, found)
    assert (await store.read(account.get, anna.id)).used_octets == 2 * size


async def test_a_keyword_without_room_is_left_out(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, SEEN, ("mine",)), NOW, NOW)
    await _expunge(store, anna, anna.inbox, 1)
    full = await store.write(mailbox.create, anna.id, "Full", "", NOW)
    names = tuple(f"k{i}" for i in range(limit.KEYWORDS_PER_MAILBOX))
    await store.write(message.append, made_up(), Placing(anna.id, full, 0, names), NOW, NOW)
    await _back(store, anna, await _lost(store, anna), target=full)
    assert await store.read(fetch.one, full, 2, ("flags",)) == (SEEN,)


async def test_what_is_purged_leaves_the_view(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _append(store, anna, 3)
    await _append(store, ben, 1)
    await _expunge(store, anna, anna.inbox, 1)
    await _expunge(store, anna, anna.inbox, 2, at=NOW + 150)
    await _expunge(store, ben, ben.inbox, 1)
    assert len(await _lost(store, anna)) == 2
    modseq = await store.read(account.modseq, anna.id)
    assert await store.write(purge.emails, NOW + 101, 100) == 2
    assert [one.subject for one in await _lost(store, anna)] == ["mail 1"]
    box, _ = await store.read(mailbox.find_at, anna.id, VIEW_NAME)
    book = await store.read(change.of_mailbox, anna.id, box.id, modseq)
    assert [(one.kind, one.uids) for one in book] == [(change.Kind.GONE, "1")]
    assert await _lost(store, ben) == []
    await store.write(lost.purge, [])


async def test_two_workers_look_at_once(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 2)
    await _expunge(store, anna, anna.inbox, 1, 2)
    lacking = await store.read(lost.missing, anna.id)
    assert lacking is not None
    for _ in range(2):
        await store.write(lost.show, anna.id, lacking.tombstones, lacking.upto, NOW + 200)
    assert len(await _lost(store, anna)) == 2


async def test_a_removed_account_takes_its_view_along(store: Store) -> None:
    anna = await person(store, "anna")
    await _append(store, anna, 5)
    await _expunge(store, anna, anna.inbox, 1, 2, 3)
    await _lost(store, anna)
    await store.write(account.mark_removed, anna.id)
    for _ in range(100):
        if not await store.write(purge.removed_accounts, NOW, 2):
            break

    async def left(tx: Tx) -> list[int]:
        tables = ("account", "mailbox", "placement", "lost", "mark", "message", "email", "gone", "keyword")
        found = [await tx.one(f"SELECT count(*) FROM {table}") for table in tables]
        return [row[0] for row in found if row is not None]

    assert await store.read(left) == [0] * 9
