"""Accounts: made once, counted truly, gone without a trace."""

import pytest

from posthaus.store import account, directory, mailbox, message
from posthaus.store.error import AccountExists, NoSuchAccount, NoSuchDomain, OverQuota
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up, person


async def test_a_new_account_has_an_inbox_and_is_subscribed_to_it(store: Store) -> None:
    anna = await person(store, "anna")
    found = await store.read(account.find, "anna@a.example")
    assert found is not None and (found.id, found.inbox, found.used_octets) == (anna.id, anna.inbox, 0)
    box = await store.read(mailbox.find, anna.id, "inbox")
    assert (box.id, box.name, box.uidnext, box.uidvalidity) == (anna.inbox, "INBOX", 1, NOW)
    assert await store.read(mailbox.subscriptions, anna.id) == ["INBOX"]


async def test_an_address_is_given_once(store: Store) -> None:
    await person(store, "anna")
    with pytest.raises(AccountExists):
        await person(store, "anna")
    with pytest.raises(NoSuchDomain):
        await store.write(account.create, "x@b.example", "x@b.example", "b.example", {}, 0, NOW)


async def test_nobody_is_nobody(store: Store) -> None:
    assert await store.read(account.find, "nobody@a.example") is None
    assert await store.read(account.login_row, "nobody\0@a.example") is None
    assert await store.read(account.login_row, "nobody\ud800@a.example") is None
    for question in (account.get, account.modseq):
        with pytest.raises(NoSuchAccount):
            await store.read(question, 4711)
    for change in (account.set_quota, account.set_credentials):
        with pytest.raises(NoSuchAccount):
            await store.write(change, 4711, {} if change is account.set_credentials else 1)  # type: ignore[arg-type]


async def test_credentials_are_replaced_and_their_version_rises(store: Store) -> None:
    anna = await person(store, "anna")
    before = await store.read(account.login_row, anna.key)
    await store.write(account.set_credentials, anna.id, {"scram": b"\0\xff"})
    after = await store.read(account.login_row, anna.key)
    assert before is not None and after is not None
    assert after.credential_version == before.credential_version + 1
    assert await store.read(account.credentials, anna.id) == {"scram": b"\0\xff"}


async def test_credentials_are_kept_better_without_a_new_version(store: Store) -> None:
    anna, bert = await person(store, "anna"), await person(store, "bert")
    before = await store.read(account.login_row, anna.key)
    assert before is not None
    better = {"argon2": b"x", "scram": b"y"}
    assert await store.write(account.upgrade_credentials, anna.id, before.credential_version, better)
    assert await store.read(account.login_row, anna.key) == before
    assert await store.read(account.credentials, anna.id) == better
    await store.write(account.set_credentials, anna.id, {"argon2": b"another"})
    assert not await store.write(account.upgrade_credentials, anna.id, before.credential_version, better)
    assert await store.read(account.credentials, anna.id) == {"argon2": b"another"}
    await store.write(account.mark_removed, bert.id)
    for version in (before.credential_version, before.credential_version + 1):
        assert not await store.write(account.upgrade_credentials, bert.id, version, better)
    assert await store.read(account.credentials, bert.id) == {}


async def test_who_has_a_kind_of_credential(store: Store) -> None:
    anna, bert = await person(store, "anna"), await person(store, "bert")

    async def told(kind: str) -> tuple[bool, int, frozenset[int]]:
        return (
            await store.read(account.has_credential, kind),
            await store.read(account.count_credentials, kind),
            await store.read(account.with_credential, kind),
        )

    assert await told("cleartext") == (False, 0, frozenset())
    await store.write(account.set_credentials, anna.id, {"cleartext": b"x", "argon2": b"y"})
    await store.write(account.set_credentials, bert.id, {"argon2": b"y"})
    assert await told("cleartext") == (True, 1, frozenset({anna.id}))
    assert await told("argon2") == (True, 2, frozenset({anna.id, bert.id}))
    await store.write(account.mark_removed, anna.id)
    assert await told("cleartext") == (False, 0, frozenset())


async def test_listing_is_by_domain(store: Store) -> None:
    for name, domain in (("b", "a.example"), ("a", "a.example"), ("c", "b.example")):
        await person(store, name, domain)
    assert [a.key for a in await store.read(account.listing, "a.example")] == ["a@a.example", "b@a.example"]
    assert len(await store.read(account.listing)) == 3


async def test_quota_counts_a_message_once_however_many_mailboxes_hold_it(store: Store) -> None:
    anna = await person(store, "anna")
    other = await store.write(mailbox.create, anna.id, "Other", "", NOW)
    content = made_up()
    await store.write(message.append, content, Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], other, NOW, move=False)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], anna.inbox, NOW, move=False)

    async def used() -> tuple[int, int]:
        row = await store.read(account.get, anna.id)
        return row.used_octets, row.used_messages

    assert await used() == (content.size_octets, 1)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 9)], NOW, only_deleted=False)
    assert await used() == (content.size_octets, 1)
    await store.write(message.expunge, anna.id, other, [(1, 1)], NOW, only_deleted=False)
    assert await used() == (0, 0)


async def test_append_is_refused_over_quota_and_changes_nothing(store: Store) -> None:
    content = made_up()
    anna = await person(store, "anna", quota_octets=content.size_octets + 1)
    await store.write(message.append, content, Placing(anna.id, anna.inbox, 0), NOW, NOW)
    with pytest.raises(OverQuota):
        await store.write(message.append, content, Placing(anna.id, anna.inbox, 0), NOW, NOW)
    row = await store.read(account.get, anna.id)
    assert (row.used_octets, row.used_messages) == (content.size_octets, 1)
    await store.write(account.set_quota, anna.id, content.size_octets)
    # quota was asked at RCPT: what was accepted is kept
    await store.write(message.deliver, content, [Placing(anna.id, anna.inbox, 0)], NOW)
    assert (await store.read(account.get, anna.id)).used_messages == 2


async def test_messages_are_counted_in_every_mailbox_that_has_them(store: Store) -> None:
    anna = await person(store, "anna")
    here = Placing(anna.id, anna.inbox, 0)
    other = await store.write(mailbox.create, anna.id, "Other", "", NOW)
    await store.write(account.set_quota, anna.id, 0, 3)

    async def placed() -> int:
        return (await store.read(account.get, anna.id)).placed_messages

    for _ in range(2):
        await store.write(message.append, made_up(), here, NOW, NOW)
    with pytest.raises(OverQuota):
        await store.write(message.copy, anna.id, anna.inbox, [(1, 2)], other, NOW, move=False, room=2)
    await store.write(message.copy, anna.id, anna.inbox, [(1, 1)], other, NOW, move=False, room=1)
    assert await placed() == 3
    assert await store.read(account.over_quota, [anna.id]) == {anna.id}
    assert (await store.read(account.get, anna.id)).room_octets == 0
    with pytest.raises(OverQuota):
        await store.write(message.append, made_up(), here, NOW, NOW)
    # neither moving nor replacing makes more of them
    await store.write(message.copy, anna.id, anna.inbox, [(2, 2)], other, NOW, move=True)
    draft = message.Draft(made_up("anew"), Placing(anna.id, other, 0), NOW)
    await store.write(message.replace, draft, anna.id, other, 1, NOW)
    assert await placed() == 3
    # quota was asked at RCPT: what was accepted is kept
    await store.write(message.deliver, made_up(), [here], NOW)
    assert await placed() == 4
    await store.write(mailbox.remove, anna.id, "Other", NOW)
    row = await store.read(account.get, anna.id)
    assert (row.placed_messages, row.room_octets, row.has_quota) == (2, None, True)
    assert await store.read(account.over_quota, [anna.id]) == set()
    await store.write(account.set_quota, anna.id, 0)
    assert not (await store.read(account.get, anna.id)).has_quota


async def test_an_admin_is_one_until_he_is_none(store: Store) -> None:
    anna = await person(store, "anna")
    for is_admin in (True, False):
        await store.write(account.set_admin, anna.id, is_admin)
        assert (await store.read(account.get, anna.id)).is_admin is is_admin
    with pytest.raises(NoSuchAccount):
        await store.write(account.set_admin, 4711, True)


async def test_uidvalidity_never_repeats(store: Store) -> None:
    anna = await person(store, "anna")
    seen = {NOW}
    for now in (NOW, NOW, NOW - 100, NOW + 5, NOW + 5):
        one = await store.write(account.next_uidvalidity, anna.id, now)
        assert one > max(seen)
        seen.add(one)


async def test_a_removed_account_is_reached_by_nobody(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(account.mark_removed, anna.id)
    assert await store.read(account.find, anna.key) is None
    assert await store.read(account.login_row, anna.key) is None
    with pytest.raises(NoSuchAccount):
        await store.write(message.deliver, made_up(), [Placing(anna.id, anna.inbox, 0)], NOW)
    again = await person(store, "anna")
    assert again.id != anna.id
    assert [d.accounts for d in await store.read(directory.domains)] == [1]
