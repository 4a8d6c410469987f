"""Others' mailboxes under their names: how they are found, listed, made and renamed, and what goes over the border."""

import pytest

from posthaus.base import limit
from posthaus.mail.rights import ALL, parse_rights
from posthaus.store import account as accounts
from posthaus.store import acl, mailbox, message
from posthaus.store.acl import Mode
from posthaus.store.message import Placing
from posthaus.testing.imaphouse import NOW, Client, ImapHouse
from posthaus.testing.storehouse import made_up

ANNA, BEN, CLEO = "anna@example.test", "ben@example.test", "cleo@example.test"
TEAM = "team@example.test"
OTHERS, SHARED = f"Other users/{ANNA}", f"Shared/{TEAM}"
MAIL = b"Subject: x\r\n\r\nwords\r\n"


async def two(house: ImapHouse, rights: str = "lrswipkxtea", *, rev2: bool = False) -> tuple[Client, Client]:
    """Anna, who shares p, and Ben."""
    anna, ben = await house.login(ANNA), await house.login(BEN, rev2=rev2)
    await anna.ok("CREATE p")
    await anna.ok(f"SETACL p {BEN} {rights}")
    return anna, ben


async def team(house: ImapHouse, rights: str = "lrswipkxtea") -> Client:
    """Ben, who may do this in a team's mailboxes."""
    ben = await house.login(BEN)
    made = await house.store.write(accounts.create, TEAM, TEAM, "example.test", {}, 0, NOW, shared=True)
    inbox = (await house.store.read(accounts.get, made)).inbox
    member, bits = house.names.accounts[BEN], parse_rights(rights)
    await house.store.write(acl.change_rights, made, inbox, member, Mode.REPLACE, bits, NOW)
    return ben


# -- LIST ------------------------------------------------------------------------------------------------------------


async def test_nothing_is_told_where_nothing_is_shared(house: ImapHouse) -> None:
    await house.account(ANNA)
    ben = await house.login(BEN)
    assert not [line for line in await ben.ok('LIST "" *') if "Other users" in line or "Shared" in line]
    assert await ben.ok("NAMESPACE") == ['* NAMESPACE (("" "/")) (("Other users/" "/")) (("Shared/" "/"))']


async def test_levels_above_are_told_of(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.ok("CREATE p/q/r")
    await anna.ok(f"DELETEACL p/q {BEN}")
    assert await ben.ok('LIST "" %') == [
        '* LIST (\\HasNoChildren \\Noinferiors) "/" "Deleted messages"',
        '* LIST (\\HasNoChildren) "/" INBOX',
        '* LIST (\\Noselect \\HasChildren) "/" "Other users"',
    ]
    assert await ben.ok('LIST "Other users/" %') == [f'* LIST (\\Noselect \\HasChildren) "/" "{OTHERS}"']
    # RFC 4314 §4: as if what is between did not exist
    assert await ben.ok('LIST "" "Other users*"') == [
        f'* LIST (\\HasChildren) "/" "{OTHERS}/p"',
        f'* LIST (\\HasNoChildren) "/" "{OTHERS}/p/q/r"',
    ]
    assert await ben.ok(f'LIST "" "{OTHERS}/p/%" RETURN (CHILDREN MYRIGHTS)') == [
        f'* LIST (\\NonExistent \\Noselect \\HasChildren) "/" "{OTHERS}/p/q"'
    ]


async def test_rights_are_told_with_the_names(house: ImapHouse) -> None:
    _, ben = await two(house, "lrt")
    assert [line for line in await ben.ok('LIST "" * RETURN (MYRIGHTS)') if "MYRIGHTS" in line] == [
        '* MYRIGHTS "Deleted messages" lrswipkxtecda',
        "* MYRIGHTS INBOX lrswipkxtecda",
        f'* MYRIGHTS "{OTHERS}/p" lrtd',
    ]


async def test_only_what_fits_the_selection_has_its_rights_told(house: ImapHouse) -> None:
    # RFC 8440 §4, the second example
    _, ben = await two(house)
    await ben.ok("CREATE foo/bar")
    await ben.ok("SUBSCRIBE foo/bar")
    assert await ben.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS)') == [
        '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX',
        "* MYRIGHTS INBOX lrswipkxtecda",
        '* LIST (\\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))',
    ]


async def test_special_uses_are_the_owners(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.ok("CREATE s (USE (\\Sent))")
    await anna.ok(f"SETACL s {BEN} {'lrk'}")
    assert await ben.ok('LIST (SPECIAL-USE) "" *') == []
    assert not [line for line in await ben.ok('LIST "" *') if "\\Sent" in line]
    assert await ben.ok(f'GETMETADATA "{OTHERS}/s" /private/specialuse') == [
        f'* METADATA "{OTHERS}/s" (/private/specialuse NIL)'
    ]
    await anna.ok(f"SETACL s {BEN} +w")
    for command in (
        f'SETMETADATA "{OTHERS}/s" (/private/specialuse "\\\\Drafts")',
        f'CREATE "{OTHERS}/s/d" (USE (\\Drafts))',
        f'CREATE "{OTHERS}/s/d" (USE (\\Sent))',
    ):
        # RFC 6154 §3, §4
        assert (await ben.do(command))[-1] == "NO [USEATTR] A special use is for a mailbox of one's own", command
    await anna.ok(f"SETACL s {BEN} -k")
    assert (await ben.do(f'CREATE "{OTHERS}/s/d" (USE (\\Drafts))'))[-1].startswith("NO [NOPERM]")


async def test_why_there_is_no_mailbox_for_that_use(house: ImapHouse) -> None:
    anna = await house.login(ANNA)
    await anna.ok("CREATE s (USE (\\Sent))")
    for name, answer in (
        ("t", "NO [USEATTR] There is a mailbox for that use"),
        ("Shared", "NO [CANNOT] Not possible with this mailbox"),
    ):
        assert (await anna.do(f"CREATE {name} (USE (\\Sent))"))[-1] == answer


async def test_subscriptions_are_ones_own(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await ben.ok('SUBSCRIBE "Other users/ANNA@Example.test/p"')
    await ben.ok('SUBSCRIBE "Other users/nobody@example.test/inbox"')
    assert await ben.ok('LSUB "" "Other users/*"') == [
        f'* LSUB () "/" "{OTHERS}/p"',
        '* LSUB (\\Noselect) "/" "Other users/nobody@example.test/INBOX"',
    ]
    assert await ben.ok('LIST (SUBSCRIBED) "" "Other users/*"') == [
        f'* LIST (\\HasNoChildren \\Subscribed) "/" "{OTHERS}/p"',
        '* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) "/" "Other users/nobody@example.test/INBOX"',
    ]
    assert not [line for line in await anna.ok('LSUB "" *') if "/p" in line]
    await ben.ok(f'UNSUBSCRIBE "{OTHERS}/p"')
    assert len(await ben.ok('LSUB "" "Other users/*"')) == 1


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inbox", "InBox", "INBOX"])
async def test_a_name_is_found_in_any_case_that_means_the_same(house: ImapHouse, name: str) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN, rev2=True)
    await anna.ok(f"SETACL INBOX {BEN} lr")
    for address in (ANNA, ANNA.upper()):
        assert f'* LIST () "/" "{OTHERS}/INBOX"' in await ben.ok(f'SELECT "Other users/{address}/{name}"')


async def test_an_address_that_no_level_can_be(house: ImapHouse) -> None:
    odd = "a/b%c=d*@example.test"
    await house.account(odd)
    anna, ben = await house.connect(), await house.login(BEN)
    await anna.ok(f'LOGIN "{odd}" secret')
    await anna.ok(f"SETACL INBOX {BEN} lr")
    name = "Other users/a=2Fb=25c=3Dd=2A@example.test/INBOX"
    assert await ben.ok(f'LIST "" "{name}"') == [f'* LIST (\\HasNoChildren) "/" "{name}"']
    await ben.ok(f'SELECT "{name}"')


@pytest.mark.parametrize("top", ["Other users", "Shared"])
async def test_the_names_of_the_namespaces_are_taken(house: ImapHouse, top: str) -> None:
    anna = await house.login(ANNA)
    await anna.ok("CREATE p")
    for command in (f'CREATE "{top}"', f'RENAME p "{top}"'):
        assert (await anna.do(command))[-1].startswith("NO [CANNOT]")
    for command in (f'CREATE "{top}/x"', f'RENAME p "{top}/x"'):
        assert (await anna.do(command))[-1].startswith("NO [NOPERM]")


async def test_an_own_mailbox_of_before_hides_the_namespace(house: ImapHouse) -> None:
    _, ben = await two(house)
    own = house.names.accounts[BEN]
    with pytest.MonkeyPatch.context() as before:
        before.setattr(mailbox, "OTHERS", "-")
        await house.store.write(mailbox.create, own, f"{OTHERS}", "", NOW)
    assert len(await ben.ok('LIST "" "Other users*"')) == 2
    await ben.ok(f'CREATE "{OTHERS}/p"')
    await ben.ok(f'SELECT "{OTHERS}/p"')
    assert await ben.ok(f'MYRIGHTS "{OTHERS}/p"') == [f'* MYRIGHTS "{OTHERS}/p" lrswipkxtecda']
    await ben.ok('DELETE "Other users"')
    await ben.ok(f'DELETE "{OTHERS}/p"')
    await ben.ok(f'DELETE "{OTHERS}"')
    await ben.do('DELETE "Other users"')
    assert await ben.ok('LIST "" "Other users*"') == [f'* LIST (\\HasNoChildren) "/" "{OTHERS}/p"']


async def test_who_is_removed_is_gone(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.append("p", MAIL)
    other = await house.login(BEN, select=f'"{OTHERS}/p"')
    await house.store.write(accounts.mark_removed, house.names.accounts[ANNA])
    for command in ("STORE 1 +FLAGS (\\Flagged)", "COPY 1 INBOX"):
        assert (await other.do(command))[-1].startswith("NO [NONEXISTENT]")
    assert await ben.ok('LIST "" "Other users*"') == []
    assert (await ben.do(f'SELECT "{OTHERS}/p"'))[-1].startswith("NO [NONEXISTENT]")


async def test_the_owners_deleted_messages_are_his(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.ok('SELECT "Deleted messages"')
    for command in ("SELECT", "EXAMINE", "MYRIGHTS", "GETACL"):
        assert (await ben.do(f'{command} "{OTHERS}/Deleted messages"'))[-1].startswith("NO [NONEXISTENT]")
    assert (await ben.do(f'APPEND "{OTHERS}/Deleted messages" {{{len(MAIL)}+}}\r\n'.encode() + MAIL))[-1].startswith(
        "NO"
    )


# -- making, removing, renaming --------------------------------------------------------------------------------------


async def test_what_is_made_below_has_the_rights_of_what_is_above(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrk", rev2=True)
    await ben.ok(f'CREATE "{OTHERS}/p/q"')
    assert await ben.ok(f'MYRIGHTS "{OTHERS}/p/q"') == [f'* MYRIGHTS "{OTHERS}/p/q" lrkc']
    assert (await anna.ok('LIST "" p/*')) == ['* LIST (\\HasNoChildren) "/" p/q']
    assert (await ben.do(f'CREATE "{OTHERS}/q"'))[-1].startswith("NO [NOPERM]")


async def test_renames_stay_within_a_tree(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await ben.ok("CREATE own")
    await ben.ok(f'CREATE "{OTHERS}/p/q"')
    await ben.ok(f'CREATE "{OTHERS}/p/r"')
    await ben.ok(f'RENAME "{OTHERS}/p/q" "{OTHERS}/p/r/s"')
    assert (await anna.ok('LIST "" *'))[-3:] == [
        '* LIST (\\HasChildren) "/" p',
        '* LIST (\\HasChildren) "/" p/r',
        '* LIST (\\HasNoChildren) "/" p/r/s',
    ]
    for old, new in (("own", f"{OTHERS}/p/own"), (f"{OTHERS}/p/r", "r"), (f"{OTHERS}/p/r", f"{OTHERS}/r")):
        assert (await ben.do(f'RENAME "{old}" "{new}"'))[-1].startswith(("NO [CANNOT]", "NO [NOPERM]"))


async def test_anothers_inbox_is_not_renamed(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.ok(f"SETACL INBOX {BEN} lrswipkxtea")
    assert (await ben.do(f'RENAME "{OTHERS}/INBOX" "{OTHERS}/p/x"'))[-1].startswith("NO [NOPERM]")
    assert (await ben.do(f'DELETE "{OTHERS}/INBOX"'))[-1].startswith("NO [CANNOT]")


async def test_a_selected_mailbox_that_is_deleted_by_a_member(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await ben.ok(f'SELECT "{OTHERS}/p"')
    assert "* OK [CLOSED] The selected mailbox is deleted" in await ben.ok(f'DELETE "{OTHERS}/p"')
    assert not [line for line in await anna.ok('LIST "" *') if line.endswith(" p")]


# -- a team's --------------------------------------------------------------------------------------------------------


async def test_a_team_has_a_tree_without_an_owner_who_logs_in(house: ImapHouse) -> None:
    ben = await team(house)
    assert await ben.ok('LIST "" %') == [
        '* LIST (\\HasNoChildren \\Noinferiors) "/" "Deleted messages"',
        '* LIST (\\HasNoChildren) "/" INBOX',
        '* LIST (\\Noselect \\HasChildren) "/" Shared',
    ]
    assert await ben.ok("LIST Shared/ %") == [f'* LIST (\\Noselect \\HasChildren) "/" {SHARED}']
    assert await ben.ok('LIST "" "Shared*"') == [f'* LIST (\\HasNoChildren) "/" {SHARED}/INBOX']
    await ben.ok(f"CREATE {SHARED}/Projects/2026")  # the top of the tree: INBOX says so
    assert await ben.ok(f"MYRIGHTS {SHARED}/Projects/2026") == [f"* MYRIGHTS {SHARED}/Projects/2026 lrswipkxtecda"]
    await ben.ok(f"RENAME {SHARED}/Projects {SHARED}/Done")
    await ben.ok(f"SETACL {SHARED}/Done anyone lr")
    await house.account(CLEO)
    cleo = await house.login(CLEO)
    assert [line.split()[-1] for line in await cleo.ok('LIST "" "Shared/*"')] == [f"{SHARED}/Done"]
    for name in (f"Other users/{TEAM}/INBOX", f"Shared/{BEN}/INBOX"):
        assert (await ben.do(f'STATUS "{name}" (MESSAGES)'))[-1].startswith("NO [NONEXISTENT]")


async def test_without_the_right_nothing_is_made_at_the_top_of_a_teams_tree(house: ImapHouse) -> None:
    ben = await team(house, "lrswipxtea")
    assert (await ben.do(f"CREATE {SHARED}/Projects"))[-1].startswith("NO [NOPERM]")


async def test_a_name_that_is_left_lets_nobody_make_anything(either: ImapHouse) -> None:
    """RFC 4314 §4: it is no mailbox; the nearest one above is asked, and at the top of a team's tree INBOX."""
    ben = await team(either)
    cleo = await either.login(CLEO)
    await ben.ok(f"CREATE {SHARED}/a/b/c")
    for name in ("a", "a/b"):
        await ben.ok(f"SETACL {SHARED}/{name} {CLEO} lk")
    await ben.ok(f"SETACL {SHARED}/a {CLEO} l")
    await cleo.ok(f"CREATE {SHARED}/a/b/d")
    await ben.ok(f"DELETE {SHARED}/a/b")
    assert (await cleo.do(f"CREATE {SHARED}/a/b/e"))[-1].startswith("NO [NOPERM]")
    await ben.ok(f"SETACL {SHARED}/a {CLEO} lk")
    await cleo.ok(f"CREATE {SHARED}/a/b/e")
    await ben.ok(f"DELETE {SHARED}/a")
    assert (await cleo.do(f"CREATE {SHARED}/a/b/f"))[-1].startswith("NO [NOPERM]")
    await ben.ok(f"CREATE {SHARED}/a/b/f")
    assert await ben.ok(f"GETACL {SHARED}/a/b/f") == [f"* ACL {SHARED}/a/b/f {TEAM} lrswipkxtecda {BEN} lrswipkxtecda"]


# -- over the border ---------------------------------------------------------------------------------------------------


async def _used(house: ImapHouse, name: str) -> tuple[int, int]:
    owner = await house.store.read(accounts.get, house.names.accounts[name])
    return owner.used_octets, owner.used_messages


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
async def test_messages_change_their_owner(house: ImapHouse, command: str) -> None:
    anna, ben = await two(house, rev2=True)
    await ben.append("INBOX", MAIL, '(\\Flagged $label) "01-Jan-2020 00:00:00 +0000"')
    await ben.append("INBOX", MAIL)
    await ben.ok("SELECT INBOX")
    [before] = await ben.ok("FETCH 1 (EMAILID)")
    heard = await ben.do(f'{command} 1:2 "{OTHERS}/p"')
    assert any("COPYUID" in line and "1:2 1:2" in line for line in heard)
    assert await _used(house, ANNA) == (2 * len(MAIL), 2)
    assert await _used(house, BEN) == ((2 * len(MAIL), 2) if command == "COPY" else (0, 0))
    await anna.ok("SELECT p")
    [after] = await anna.ok("FETCH 1 (EMAILID)")
    assert after.split()[-1] == before.split()[-1]
    [line] = await anna.ok("FETCH 1 (FLAGS INTERNALDATE)")
    assert "\\Flagged $label" in line
    assert "2020" in line
    await anna.ok("MOVE 1:2 INBOX")


async def test_messages_come_back_from_another(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await anna.append("p", MAIL)
    await ben.ok(f'SELECT "{OTHERS}/p"')
    await ben.ok("COPY 1 INBOX")
    await ben.ok("COPY 1 INBOX")  # it is held already
    assert await _used(house, BEN) == (len(MAIL), 1)
    await ben.ok("MOVE 1 INBOX")
    assert await _used(house, ANNA) == (0, 0)
    assert await _used(house, BEN) == (len(MAIL), 1)
    await ben.ok("SELECT INBOX")
    await ben.ok("STORE 1:2 +FLAGS (\\Deleted)")
    await ben.ok("EXPUNGE")
    assert await _used(house, BEN) == (len(MAIL), 1)


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
async def test_the_quota_is_that_of_the_target(house: ImapHouse, command: str) -> None:
    anna, ben = await two(house)
    await house.store.write(accounts.set_quota, house.names.accounts[ANNA], len(MAIL) + 1)
    for _ in range(2):
        await ben.append("INBOX", MAIL)
    await ben.ok("SELECT INBOX")
    assert (await ben.do(f'{command} 1:2 "{OTHERS}/p"'))[-1].startswith("NO [OVERQUOTA]")
    assert await _used(house, ANNA) == (0, 0)
    await ben.ok(f'COPY 1 "{OTHERS}/p"')
    assert (await ben.do(f'APPEND "{OTHERS}/p" {{{len(MAIL)}+}}\r\n'.encode() + MAIL))[-1].startswith("NO [OVERQUOTA]")
    await house.store.write(accounts.set_quota, house.names.accounts[ANNA], 0, 1)
    assert (await ben.do(f'{command} 2 "{OTHERS}/p"'))[-1].startswith("NO [OVERQUOTA]")
    assert (await anna.ok("STATUS p (MESSAGES)")) == ["* STATUS p (MESSAGES 1)"]


async def test_what_comes_back_leaves_the_view_of_deleted_messages(house: ImapHouse) -> None:
    _, ben = await two(house)
    await ben.append("INBOX", MAIL)
    await ben.ok("SELECT INBOX")
    await ben.ok(f'MOVE 1 "{OTHERS}/p"')
    await ben.ok('SELECT "Deleted messages"')
    assert len(await ben.ok("UID SEARCH ALL")) == 1
    assert (await ben.do(f'COPY 1 "{OTHERS}/p"'))[-1].startswith("NO [CANNOT]")
    await ben.ok(f'SELECT "{OTHERS}/p"')
    await ben.ok("COPY 1 INBOX")
    await ben.ok('SELECT "Deleted messages"')
    assert await ben.ok("SEARCH ALL") == ["* SEARCH"]


async def test_a_search_finds_what_was_indexed_as_anothers(house: ImapHouse) -> None:
    """The index knows a message by who held it when it was made."""
    from posthaus.flow.index import Indexer

    anna, ben = await two(house)
    cleo = await house.login(CLEO)
    await ben.ok("CREATE q")
    await ben.ok(f"SETACL q {CLEO} lri")
    for n in range(30):
        await anna.append("p", f"Subject: x\r\n\r\nnumber {n} of many\r\n".encode())
    indexer = Indexer(house.site.store, house.site.blobs, house.site.index, house.clock)
    assert await indexer.round() == 30
    await ben.ok(f'SELECT "{OTHERS}/p"')
    assert await ben.ok('SEARCH TEXT "number 7 of"') == ["* SEARCH 8"]
    await ben.ok("COPY 1:30 q")
    await ben.ok("SELECT q")
    assert await ben.ok('SEARCH TEXT "number 7 of"') == ["* SEARCH 8"]
    await cleo.ok(f'SELECT "Other users/{BEN}/q"')
    await cleo.ok("COPY 1:30 INBOX")
    await cleo.ok("SELECT INBOX")
    assert await cleo.ok('SEARCH BODY "number 29"') == ["* SEARCH 30"]


async def test_replace_over_the_border(house: ImapHouse) -> None:
    anna, ben = await two(house)
    await ben.append("INBOX", MAIL)
    await ben.ok("SELECT INBOX")
    heard = await ben.ok(f'REPLACE 1 "{OTHERS}/p" {{{len(MAIL)}+}}\r\n'.encode() + MAIL)
    assert "* 1 EXPUNGE" in heard
    assert await anna.ok("STATUS p (MESSAGES)") == ["* STATUS p (MESSAGES 1)"]
    assert await _used(house, BEN) == (0, 0)


async def test_a_part_of_anothers_message(house: ImapHouse) -> None:
    anna, ben = await two(house, "lr")
    await anna.append("p", MAIL)
    url = f"/Other%20users/{ANNA}/p/;UID=1/;SECTION=TEXT"
    await ben.ok(f'APPEND INBOX CATENATE (TEXT {{14+}}\r\nSubject: y\r\n\r\n URL "{url}")')
    await ben.ok("SELECT INBOX")
    assert "words" in "".join(await ben.ok("FETCH 1 BODY[TEXT]"))


async def test_several_mailboxes_are_searched(house: ImapHouse) -> None:
    anna, ben = await two(house, "lr")
    await anna.append("p", MAIL)
    await ben.append("INBOX", MAIL)
    await ben.ok(f'SUBSCRIBE "{OTHERS}/p"')

    async def found(filter: str) -> list[str]:
        return [line.split("MAILBOX ")[1].split(" UIDV")[0] for line in await ben.ok(f"ESEARCH IN ({filter}) ALL")]

    assert await found("personal") == ["INBOX"]
    assert await found("inboxes") == ["INBOX"]
    assert await found("subscribed") == ["INBOX", f'"{OTHERS}/p"']
    assert await found(f'subtree-one "{OTHERS}"') == [f'"{OTHERS}/p"']
    assert await found(f'mailboxes (inbox "{OTHERS}/p")') == ["INBOX", f'"{OTHERS}/p"']


# -- METADATA --------------------------------------------------------------------------------------------------------


async def test_everybody_has_his_own_private_annotations(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrw")
    await anna.ok('SETMETADATA p (/private/x "anna" /shared/x "all")')
    box = f'"{OTHERS}/p"'
    assert await ben.ok(f"GETMETADATA {box} (/private/x /shared/x)") == [
        f'* METADATA {box} (/private/x NIL /shared/x "all")'
    ]
    await ben.ok(f'SETMETADATA {box} (/private/x "ben" /shared/x "us")')
    assert await ben.ok(f"GETMETADATA (DEPTH 1) {box} (/private /shared)") == [
        f'* METADATA {box} (/private/x "ben" /shared/x "us")'
    ]
    assert await anna.ok("GETMETADATA p (/private/x /shared/x)") == ['* METADATA p (/private/x "anna" /shared/x "us")']
    assert f'* METADATA {box} (/private/x "ben")' in await ben.ok('LIST "" * RETURN (METADATA (/private/x))')


async def test_nobody_hears_of_anothers_private_annotations(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrw")
    for client, box in ((anna, "p"), (ben, f'"{OTHERS}/p"')):
        await client.ok("ENABLE METADATA")
        await client.ok(f"SELECT {box}")
    await anna.ok('SETMETADATA p (/private/x "1")')
    assert await ben.ok("NOOP") == []
    await anna.ok('SETMETADATA p (/private/y "1" /shared/y "1")')
    assert await ben.ok("NOOP") == [f'* METADATA "{OTHERS}/p" /shared/y']
    await ben.ok(f'SETMETADATA "{OTHERS}/p" (/private/z "1")')
    assert await anna.ok("NOOP") == []
    await ben.ok(f'SETMETADATA "{OTHERS}/p" (/private/z "1" /shared/z "1")')
    assert await anna.ok("NOOP") == ["* METADATA p /shared/z"]
    assert await ben.ok("NOOP") == []


async def test_who_may_only_look_a_mailbox_up_hears_of_none_of_its_annotations(house: ImapHouse) -> None:
    # RFC 5464 §3.3: he may not read them
    anna, ben = await two(house, "lr")
    await anna.ok("CREATE q")
    await anna.ok(f"SETACL q {BEN} l")
    await ben.ok("ENABLE METADATA")
    await ben.ok(f'SELECT "{OTHERS}/p"')
    for before in ("NOOP", 'NOTIFY SET (subtree "Other users" (MailboxMetadataChange))'):
        await ben.ok(before)
        for box in ("q", "p"):
            await anna.ok(f'SETMETADATA {box} (/shared/x "1")')
        assert await ben.ok("NOOP") == [f'* METADATA "{OTHERS}/p" /shared/x']


async def test_how_full_another_is_is_not_told(house: ImapHouse) -> None:
    _, ben = await two(house)
    assert await ben.ok(f'GETQUOTAROOT "{OTHERS}/p"') == [f'* QUOTAROOT "{OTHERS}/p"']


# -- NOTIFY --------------------------------------------------------------------------------------------------------

MESSAGES = "(MessageNew MessageExpunge FlagChange MailboxName)"


async def test_new_mail_in_anothers_mailbox_is_heard_of(house: ImapHouse) -> None:
    anna, ben = await two(house, "lr")
    await anna.ok("CREATE secret")
    await ben.ok(f'NOTIFY SET STATUS (subtree "Other users" {MESSAGES}) (personal {MESSAGES})')
    await anna.append("secret", MAIL)
    await anna.append("p", MAIL)
    assert (await ben.hear()).startswith(f'* STATUS "{OTHERS}/p" (MESSAGES 1 ')
    await house.store.write(message.append, made_up(), await _inbox(house, BEN), NOW, NOW)
    assert (await ben.hear()).startswith("* STATUS INBOX (MESSAGES 1 ")
    await anna.ok("SELECT p")
    await anna.ok("STORE 1 +FLAGS (\\Deleted)")
    assert (await ben.hear()).startswith(f'* STATUS "{OTHERS}/p" (MESSAGES 1 ')
    await anna.ok("RENAME p q")
    assert await ben.hear() == f'* LIST (\\HasNoChildren) "/" "{OTHERS}/q" ("OLDNAME" ("{OTHERS}/p"))'
    await anna.ok("DELETE q")
    assert await ben.hear() == f'* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" "{OTHERS}/q"'


async def test_rights_that_come_and_go_are_heard_of(house: ImapHouse) -> None:
    # RFC 5465 §5.4: a mailbox that can be seen now
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok("CREATE p")
    await ben.ok(f'NOTIFY SET (subtree "Other users" {MESSAGES})')
    await anna.ok(f"SETACL p {BEN} l")
    assert await ben.hear() == f'* LIST (\\HasNoChildren) "/" "{OTHERS}/p"'
    await anna.append("p", MAIL)
    await anna.ok(f"SETACL p {BEN} lr")
    await ben.ok("NOOP")
    await anna.append("p", MAIL)
    assert (await ben.hear()).startswith(f'* STATUS "{OTHERS}/p" (MESSAGES 2 ')
    await anna.ok(f"DELETEACL p {BEN}")
    assert await ben.hear() == f'* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" "{OTHERS}/p"'
    await anna.append("p", MAIL)
    assert await ben.ok("NOOP") == []


async def test_the_own_and_anothers_are_watched_at_once(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrs")
    await ben.ok(f'SELECT "{OTHERS}/p"')
    await ben.ok(f"NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal {MESSAGES})")
    assert '* LIST (\\HasNoChildren) "/" own' in await ben.ok("CREATE own")
    await anna.append("p", MAIL)
    assert await ben.hear() == "* 1 EXISTS"
    assert await ben.hear() == "* 1 RECENT"
    await house.store.write(message.append, made_up(), await _inbox(house, BEN), NOW, NOW)
    assert (await ben.hear()).startswith("* STATUS INBOX (MESSAGES 1 ")
    await ben.ok("NOTIFY NONE")
    await anna.append("p", MAIL)
    await ben.ok("UNSELECT")
    assert await ben.ok("NOOP") == []


async def _inbox(house: ImapHouse, name: str) -> Placing:
    owner = await house.store.read(accounts.get, house.names.accounts[name])
    return Placing(owner.id, owner.inbox, 0)


async def test_so_many_books_are_read_and_no_more(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "IMAP_NOTIFY_BOOKS", 2)
    anna, ben = await two(house, "lr")
    cleo = await house.login(CLEO)
    await ben.ok(f'NOTIFY SET (subtree "Other users" {MESSAGES})')
    await cleo.ok(f"SETACL INBOX {BEN} lr")
    assert (await ben.hear()).startswith("* OK [NOTIFICATIONOVERFLOW]")
    await anna.append("p", MAIL)
    assert await ben.ok("NOOP") == []
    answer = (await ben.do(f'NOTIFY SET (subtree "Other users" {MESSAGES})'))[-1]
    assert answer.startswith("NO [NOTIFICATIONOVERFLOW]")
    await ben.ok(f'NOTIFY SET (subtree "{OTHERS}" {MESSAGES})')  # what is not asked for is not counted


async def test_a_team_is_heard_of(house: ImapHouse) -> None:
    ben = await team(house)
    owner = await house.store.read(accounts.find, TEAM)
    assert owner is not None
    await ben.ok(f"NOTIFY SET (mailboxes {SHARED}/INBOX (MessageNew MessageExpunge))")
    await house.store.write(message.deliver, made_up(), [Placing(owner.id, owner.inbox, 0)], NOW)
    assert (await ben.hear()).startswith(f"* STATUS {SHARED}/INBOX (MESSAGES 1 ")
    assert parse_rights("lrswipkxtea") == ALL


# -- \\Seen ------------------------------------------------------------------------------------------------------------


async def test_each_has_seen_what_he_has_seen(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrsw", rev2=True)
    for _ in range(2):
        await anna.append("p", MAIL)
    await ben.ok(f'SELECT "{OTHERS}/p"')
    await ben.ok("FETCH 1 BODY[]")
    assert await ben.ok(f'STATUS "{OTHERS}/p" (UNSEEN)') == [f'* STATUS "{OTHERS}/p" (UNSEEN 1)']
    assert await ben.ok('LIST "" "Other users/*/p" RETURN (STATUS (UNSEEN))') == [
        f'* LIST (\\HasNoChildren) "/" "{OTHERS}/p"',
        f'* STATUS "{OTHERS}/p" (UNSEEN 1)',
    ]
    assert await anna.ok("STATUS p (UNSEEN)") == ["* STATUS p (UNSEEN 2)"]
    await anna.ok("SELECT p")
    await anna.ok("STORE 2 +FLAGS (\\Seen)")
    assert (await ben.ok("UID SEARCH SEEN"))[0].endswith(" UID ALL 1")
    assert "* OK [UNSEEN 1] First unseen" in (await anna.ok("SELECT p"))
    other = await house.login(BEN)
    assert "* OK [UNSEEN 2] First unseen" in (await other.ok(f'SELECT "{OTHERS}/p"'))
    # what he copies into his own he has seen there
    await other.ok("COPY 1:2 INBOX")
    await other.ok("SELECT INBOX")
    assert await other.ok("SEARCH SEEN") == ["* SEARCH 1"]


async def test_what_a_member_puts_in_he_has_seen_and_the_owner_has_not(house: ImapHouse) -> None:
    anna, ben = await two(house, "lrsi")
    await ben.append(f'"{OTHERS}/p"', MAIL, "(\\Seen)")
    await ben.append("INBOX", MAIL, "(\\Seen)")
    await ben.ok("SELECT INBOX")
    await ben.ok(f'COPY 1 "{OTHERS}/p"')
    await ben.ok(f'SELECT "{OTHERS}/p"')
    assert await ben.ok("SEARCH SEEN") == ["* SEARCH 1 2"]
    await anna.ok("SELECT p")
    assert await anna.ok("SEARCH SEEN") == ["* SEARCH"]
