"""Access control lists: what is given, denied and inherited, who hears of it, and where rows go."""

import pytest

from posthaus.base import limit
from posthaus.mail.rights import ALL, INSERT, LOOKUP, READ, WRITE, parse_rights
from posthaus.store import account as accounts
from posthaus.store import acl, annotation, change, directory, mailbox, purge, reach
from posthaus.store.acl import ANYONE, Awaited, Mode
from posthaus.store.error import LimitReached, NoSuchDomain, NotGiven, NotPermitted
from posthaus.store.mailbox import Mailbox
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.store.verify import verify
from posthaus.testing.storehouse import NOW, Person, person


async def _give(
    store: Store, owner: Person, box: int, member: int, letters: str, mode: Mode = Mode.REPLACE, *, deny: bool = False
) -> None:
    await store.write(acl.change_rights, owner.id, box, member, mode, parse_rights(letters), NOW, negative=deny)


async def _acl(store: Store, box: int) -> list[tuple[str, int, int]]:
    return [(one.address, one.given, one.denied) for one in await store.read(acl.of_mailbox, box)]


async def test_rights_are_given_added_and_taken_away(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    assert await store.read(acl.rights, anna.inbox, ben.id) == 0
    await _give(store, anna, anna.inbox, ben.id, "lr")
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ
    await _give(store, anna, anna.inbox, ben.id, "rw", Mode.ADD)
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ | WRITE
    await _give(store, anna, anna.inbox, ben.id, "li", Mode.REMOVE)
    assert await _acl(store, anna.inbox) == [("ben@a.example", READ | WRITE, 0)]
    await _give(store, anna, anna.inbox, ben.id, "")
    assert await _acl(store, anna.inbox) == []


async def test_what_everybody_has_comes_to_what_a_member_has(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _give(store, anna, anna.inbox, ANYONE, "lr")
    await _give(store, anna, anna.inbox, ben.id, "i")
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ | INSERT
    assert await store.read(acl.rights, anna.inbox, cleo.id) == LOOKUP | READ


async def test_what_is_denied_goes_whoever_gave_it(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _give(store, anna, anna.inbox, ANYONE, "lrw")
    await _give(store, anna, anna.inbox, ben.id, "wi")
    await _give(store, anna, anna.inbox, ben.id, "w", deny=True)
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ | INSERT
    assert await store.read(acl.rights, anna.inbox, cleo.id) == LOOKUP | READ | WRITE
    await _give(store, anna, anna.inbox, ANYONE, "i", deny=True)
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ
    await _give(store, anna, anna.inbox, ben.id, "", deny=True)
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP | READ | WRITE
    assert await _acl(store, anna.inbox) == [
        ("", LOOKUP | READ | WRITE, INSERT), ("ben@a.example", WRITE | INSERT, 0)
    ]  # fmt: skip


async def test_the_owner_has_no_entry(store: Store) -> None:
    anna = await person(store, "anna")
    for deny in (False, True):
        with pytest.raises(NotPermitted):
            await _give(store, anna, anna.inbox, anna.id, "l", deny=deny)


async def test_who_may_give_nothing_may_take_away(store: Store) -> None:
    anna = await person(store, "anna")

    async def change(mode: Mode, letters: str, *, deny: bool = False) -> None:
        bits = parse_rights(letters)
        await store.write(
            acl.change_rights, anna.id, anna.inbox, ANYONE, mode, bits, NOW, negative=deny, may_give=False
        )

    with pytest.raises(NotGiven):
        await change(Mode.REPLACE, "l")
    await _give(store, anna, anna.inbox, ANYONE, "lrs")
    await _give(store, anna, anna.inbox, ANYONE, "s", deny=True)
    for mode, letters, deny in ((Mode.ADD, "lw", False), (Mode.REPLACE, "lrw", False), (Mode.REPLACE, "", True)):
        with pytest.raises(NotGiven):  # what is denied no longer is given
            await change(mode, letters, deny=deny)
    await change(Mode.ADD, "lrs")  # which it has
    await change(Mode.REPLACE, "lr")
    await change(Mode.ADD, "w", deny=True)
    await change(Mode.REMOVE, "r")
    assert await _acl(store, anna.inbox) == [("", LOOKUP, parse_rights("sw"))]
    await change(Mode.REPLACE, "")
    await change(Mode.REPLACE, "", deny=True)
    assert await _acl(store, anna.inbox) == []


async def test_a_list_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "ACL_ENTRIES", 2)
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    await _give(store, anna, anna.inbox, ANYONE, "l")
    await _give(store, anna, anna.inbox, ben.id, "l")
    with pytest.raises(LimitReached):
        await _give(store, anna, anna.inbox, cleo.id, "l")
    await _give(store, anna, anna.inbox, ben.id, "r", Mode.ADD)


async def test_the_owner_and_whom_it_concerns_find_it_in_their_books(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    before = {who.id: await store.read(accounts.modseq, who.id) for who in (anna, ben, cleo)}
    await _give(store, anna, anna.inbox, ben.id, "lr")
    await _give(store, anna, anna.inbox, ben.id, "l", Mode.ADD)  # changes nothing
    for who, times in ((anna, 1), (ben, 1), (cleo, 0)):
        told = await store.read(change.since, who.id, before[who.id])
        assert [(one.mailbox, one.kind) for one in told] == [(anna.inbox, change.Kind.ACL)] * times


async def _reached(store: Store, who: Person) -> list[tuple[str, str, int]]:
    return [(one.owner, one.box.name, one.rights) for one in await store.read(reach.by_others, who.id)]


async def test_what_can_be_reached(store: Store) -> None:
    anna, ben, cleo = [await person(store, name) for name in ("anna", "ben", "cleo")]
    box = await store.write(mailbox.create, anna.id, "Projects", "", NOW)
    await _give(store, anna, box, ben.id, "lr")
    await _give(store, anna, anna.inbox, ANYONE, "l")
    await _give(store, cleo, cleo.inbox, ben.id, "p")
    assert await _reached(store, ben) == [
        ("anna@a.example", "INBOX", LOOKUP),
        ("anna@a.example", "Projects", LOOKUP | READ),
        ("cleo@a.example", "INBOX", parse_rights("p")),
    ]
    assert await _reached(store, anna) == []
    await _give(store, anna, anna.inbox, ben.id, "l", deny=True)
    assert await _reached(store, cleo) == [("anna@a.example", "INBOX", LOOKUP)]
    assert (await _reached(store, ben))[0][1] == "Projects"


async def test_a_new_mailbox_takes_over_the_rows_above_it(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    top = await store.write(mailbox.create, anna.id, "a", "", NOW)
    await _give(store, anna, top, ben.id, "lr")
    await _give(store, anna, top, ben.id, "w", deny=True)
    deep = await store.write(mailbox.create, anna.id, "a/b/c", "", NOW)
    assert await _acl(store, deep) == [("ben@a.example", LOOKUP | READ, WRITE)]
    assert len(await _reached(store, ben)) == 3  # and the one between them
    beside = await store.write(mailbox.create, anna.id, "ab", "", NOW)
    assert await _acl(store, beside) == []


async def test_at_the_top_of_a_teams_tree_it_is_inbox(store: Store) -> None:
    ben = await person(store, "ben")
    made = await store.write(accounts.create, "t@a.example", "t@a.example", "a.example", {}, 0, NOW, shared=True)
    assert await store.read(accounts.login_row, "t@a.example") is None
    team = await store.read(accounts.get, made)
    assert team.shared
    await store.write(acl.change_rights, team.id, team.inbox, ben.id, Mode.REPLACE, ALL, NOW)
    box = await store.write(mailbox.create, team.id, "Projects", "", NOW)
    assert await _acl(store, box) == [("ben@a.example", ALL, 0)]


# RFC 4314 §4: DELETE takes the rows away, and it is the nearest existing mailbox above that says what is made below
async def test_a_name_that_is_left_says_nothing(store: Store) -> None:
    ben, cleo = await person(store, "ben"), await person(store, "cleo")
    made = await store.write(accounts.create, "t@a.example", "t@a.example", "a.example", {}, 0, NOW, shared=True)
    team = await store.read(accounts.get, made)
    await store.write(acl.change_rights, team.id, team.inbox, ben.id, Mode.REPLACE, ALL, NOW)
    for name in ("a", "a/b"):
        box = await store.write(mailbox.create, team.id, name, "", NOW)
        await store.write(acl.change_rights, team.id, box, cleo.id, Mode.REPLACE, LOOKUP | len(name), NOW)
    below_a = [("ben@a.example", ALL, 0), ("cleo@a.example", LOOKUP, 0)]
    await store.write(mailbox.create, team.id, "a/b/c", "", NOW)
    await store.write(mailbox.remove, team.id, "a/b", NOW)
    assert await _acl(store, await store.write(mailbox.create, team.id, "a/b/d", "", NOW)) == below_a
    assert await _acl(store, await store.write(mailbox.create, team.id, "a/b", "", NOW)) == below_a
    await store.write(mailbox.remove, team.id, "a", NOW)
    assert await _acl(store, await store.write(mailbox.create, team.id, "a/e", "", NOW)) == below_a[:1]  # INBOX's


async def test_rows_stay_through_a_rename_and_go_with_the_mailbox(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    box = await store.write(mailbox.create, anna.id, "a", "", NOW)
    await _give(store, anna, box, ben.id, "lr")
    await store.write(mailbox.rename, anna.id, "a", "b/c", NOW)
    assert await _reached(store, ben) == [("anna@a.example", "b/c", LOOKUP | READ)]
    await store.write(mailbox.remove, anna.id, "b/c", NOW)
    assert await _acl(store, box) == []
    again = await store.write(mailbox.create, anna.id, "b/c", "", NOW)
    assert await _acl(store, again) == []


# -- who is not there yet --------------------------------------------------------------------------------------------


async def _later(store: Store, owner: Person, box: int, letters: str, *, deny: bool = False) -> None:
    member, bits = Awaited("ben@a.example"), parse_rights(letters)
    await store.write(acl.change_rights, owner.id, box, member, Mode.ADD, bits, NOW, negative=deny)


async def test_rights_wait_for_whoever_will_have_the_address(store: Store) -> None:
    anna, cleo = await person(store, "anna"), await person(store, "cleo")
    top = await store.write(mailbox.create, anna.id, "a", "", NOW)
    await _later(store, anna, top, "lr")
    await _later(store, anna, top, "w", deny=True)
    await _give(store, anna, top, cleo.id, "l")
    below = await store.write(mailbox.create, anna.id, "a/b", "", NOW)
    entries = [("ben@a.example", LOOKUP | READ, WRITE), ("cleo@a.example", LOOKUP, 0)]
    assert await _acl(store, top) == await _acl(store, below) == entries
    assert await store.read(verify) == []
    ben = await person(store, "ben")
    assert await _acl(store, top) == await _acl(store, below) == entries
    assert await _reached(store, ben) == [
        ("anna@a.example", "a", LOOKUP | READ), ("anna@a.example", "a/b", LOOKUP | READ)
    ]  # fmt: skip
    assert [one.entry.member for one in await store.read(acl.listing, anna.id)] == [ben.id, cleo.id] * 2
    await store.write(accounts.mark_removed, ben.id)
    assert await _acl(store, top) == [("cleo@a.example", LOOKUP, 0)]
    again = await person(store, "ben")  # somebody else, perhaps
    assert await _reached(store, again) == []


async def test_rights_that_wait_are_changed_and_go_as_others(store: Store) -> None:
    anna = await person(store, "anna")
    box = await store.write(mailbox.create, anna.id, "a", "", NOW)
    before = await store.read(accounts.modseq, anna.id)
    await _later(store, anna, box, "lr")
    [told] = await store.read(change.since, anna.id, before)
    assert (told.mailbox, told.kind) == (box, change.Kind.ACL)
    waiting = await store.read(acl.listing)
    assert [(one.owner, one.mailbox, one.entry.address) for one in waiting] == [
        ("anna@a.example", "a", "ben@a.example")
    ]
    await store.write(
        acl.change_rights, anna.id, box, Awaited("ben@a.example"), Mode.REMOVE, LOOKUP | READ, NOW
    )  # fmt: skip
    assert await _acl(store, box) == []
    await _later(store, anna, box, "l")
    await store.write(mailbox.remove, anna.id, "a", NOW)
    assert await _acl(store, box) == []
    assert await _reached(store, await person(store, "ben")) == []


async def test_rights_that_wait_go_with_their_domain(store: Store) -> None:
    anna = await person(store, "anna")
    for domain in ("b.example", "bb.example"):
        await store.write(directory.add_domain, domain, NOW)
    for key in ("ben@b.example", "ben@bb.example", '"x@b.example"@bb.example'):
        await store.write(acl.change_rights, anna.id, anna.inbox, Awaited(key), Mode.ADD, LOOKUP, NOW)
    await store.write(directory.remove_domain, "b.example")
    assert [address for address, *_ in await _acl(store, anna.inbox)] == ['"x@b.example"@bb.example', "ben@bb.example"]
    await store.write(directory.remove_domain, "bb.example")
    assert await _acl(store, anna.inbox) == []
    with pytest.raises(NoSuchDomain):
        await store.write(directory.remove_domain, "bb.example")


async def test_those_that_wait_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "ACL_ENTRIES", 1)
    anna, cleo = await person(store, "anna"), await person(store, "cleo")
    await _later(store, anna, anna.inbox, "l")
    with pytest.raises(LimitReached):
        await _give(store, anna, anna.inbox, cleo.id, "l")
    await _later(store, anna, anna.inbox, "r")


async def _rows(tx: Tx) -> tuple[int, ...]:
    counts = [await tx.one(f"SELECT count(*) FROM {table}") for table in ("acl", "annotation", "borrowed")]
    return tuple([row[0] for row in counts if row is not None])


@pytest.mark.parametrize("leaves", ["owner", "member"])
async def test_rows_go_with_either_account(store: Store, leaves: str) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _give(store, anna, anna.inbox, ben.id, "lr")
    await store.write(annotation.put, anna.id, anna.inbox, {"/private/x": b"1"}, member=ben.id)
    await store.write(accounts.mark_removed, (anna if leaves == "owner" else ben).id)
    assert await _reached(store, ben) == []
    if leaves == "member":
        assert await _acl(store, anna.inbox) == []
    while await store.write(purge.removed_accounts, NOW, 100):
        pass
    assert await store.read(_rows) == (0, 0, 0)


async def test_who_writes_beside_anothers_mailbox_uses_his_own_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "ANNOTATIONS", 2)
    anna, ben = await person(store, "anna"), await person(store, "ben")
    both = {"/private/a": b"1", "/private/b": b"2"}
    await store.write(annotation.put, anna.id, anna.inbox, both, member=ben.id)
    await store.write(annotation.put, anna.id, anna.inbox, {"/private/a": b"1", "/shared/a": b"2"})
    for box, member in ((anna, ben.id), (ben, 0)):
        with pytest.raises(LimitReached):
            await store.write(annotation.put, box.id, box.inbox, {"/private/c": b"3"}, member=member)
    with pytest.raises(LimitReached):  # what all see is the owner's
        await store.write(annotation.put, anna.id, anna.inbox, {"/shared/b": b"3"}, member=ben.id)
    assert await store.read(annotation.get, anna.id, anna.inbox, "/private/a", member=ben.id) == b"1"
    assert await store.read(annotation.below, anna.id, anna.inbox, "/private", member=ben.id) == list(both.items())


async def test_no_mailbox_of_a_row_is_lost(store: Store) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await _give(store, anna, anna.inbox, ben.id, "l")
    [found] = await store.read(reach.by_others, ben.id)
    assert isinstance(found.box, Mailbox)
    assert found.box == await store.read(mailbox.get, anna.inbox)
