"""NOTIFY: who hears what, and when."""

import pytest

from posthaus.base import limit
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\n.\r\n"
MESSAGES = "(MessageNew MessageExpunge FlagChange)"


async def two(house: ImapHouse, groups: str, *, select: str = "") -> tuple[Client, Client]:
    """One that has said NOTIFY SET, and one that does things."""
    doer = await house.login()
    for name in ("a", "a/b", "c"):
        await doer.ok(f"CREATE {name}")
    hears = await house.login(select=select)
    await hears.ok(f"NOTIFY SET {groups}")
    return hears, doer


async def test_new_mail_in_another_mailbox(house: ImapHouse) -> None:
    hears, doer = await two(house, f"(MAILBOXES (a nowhere) {MESSAGES})")
    await doer.append("c", MAIL)
    await doer.append("a", MAIL)
    assert (await hears.hear()).startswith("* STATUS a (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ")
    assert await hears.ok("NOOP") == []


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ("PERSONAL", "INBOX a a/b c"),
        ("INBOXES", "INBOX a a/b c"),
        ("SUBTREE a", "a a/b"),
        ("SUBSCRIBED", "INBOX a/b"),
        ("MAILBOXES (inbox c)", "INBOX c"),
    ],
)
async def test_filters(house: ImapHouse, filter: str, names: str) -> None:
    # RFC 5465 §6, §3.1: with STATUS each of them is told at once
    doer = await house.login()
    for name in ("a", "a/b", "c"):
        await doer.ok(f"CREATE {name}")
    await doer.ok("SUBSCRIBE a/b")
    heard = await doer.ok(f"NOTIFY SET STATUS ({filter} {MESSAGES})")
    assert " ".join(sorted(line.split()[2] for line in heard)) == names


async def test_highest_modseq_for_who_knows_of_it(house: ImapHouse) -> None:
    hears, doer = await two(house, f"(PERSONAL {MESSAGES})")
    await hears.ok("ENABLE CONDSTORE")
    await doer.append("a", MAIL)
    assert "HIGHESTMODSEQ" in await hears.hear()
    await doer.ok("SELECT a")
    await doer.ok("STORE 1 +FLAGS (\\Seen)")
    assert "UNSEEN 0" in await hears.hear()


async def test_expunge_waits_for_a_command_where_delayed(house: ImapHouse) -> None:
    # RFC 5465 §6.1
    hears, doer = await two(house, f"(SELECTED-DELAYED {MESSAGES})", select="INBOX")
    await doer.append("INBOX", MAIL)
    assert await hears.hear() == "* 1 EXISTS"
    assert await hears.hear() == "* 1 RECENT"
    await doer.ok("SELECT INBOX")
    await doer.ok("STORE 1 +FLAGS (\\Deleted)")
    assert await hears.hear() == "* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))"
    await doer.ok("EXPUNGE")
    await doer.append("INBOX", MAIL)
    assert await hears.hear() == "* 2 EXISTS"
    assert await hears.hear() == "* 2 RECENT"
    assert "* 1 EXPUNGE" in await hears.ok("NOOP")


async def test_expunge_comes_at_any_time_where_not(house: ImapHouse) -> None:
    hears, doer = await two(house, f"(SELECTED {MESSAGES})", select="INBOX")
    await doer.append("INBOX", MAIL, "(\\Deleted)")
    assert await hears.hear() == "* 1 EXISTS"
    assert await hears.hear() == "* 1 RECENT"
    await doer.ok("SELECT INBOX")
    await doer.ok("EXPUNGE")
    assert await hears.hear() == "* 1 EXPUNGE"


async def test_attributes_of_new_messages(house: ImapHouse) -> None:
    # RFC 5465 §5.2
    groups = "(SELECTED (MessageNew (BODY.PEEK[HEADER.FIELDS (SUBJECT)] RFC822.SIZE) MessageExpunge))"
    hears, doer = await two(house, groups, select="INBOX")
    await doer.append("INBOX", MAIL)
    assert await hears.hear() == "* 1 EXISTS"
    assert await hears.hear() == "* 1 RECENT"
    told = await hears.hear()
    assert told.startswith("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {")
    assert "Subject: x" in told
    await doer.ok("SELECT INBOX")
    await doer.ok("STORE 1 +FLAGS (\\Flagged)")
    assert await hears.ok("NOOP") == []  # FlagChange was not asked for


async def test_an_encoding_that_cannot_be_taken_off_ends_nothing(house: ImapHouse) -> None:
    hears, doer = await two(house, "(SELECTED (MessageNew (BINARY.PEEK[1]) MessageExpunge))", select="INBOX")
    await doer.append("INBOX", b"Content-Transfer-Encoding: x-own\r\n\r\n.\r\n")
    assert await hears.hear() == "* 1 EXISTS"
    assert await hears.hear() == "* 1 RECENT"
    assert await hears.ok("NOOP") == []


async def test_selected_left_out_is_none_of_it(house: ImapHouse) -> None:
    # RFC 5465 §3.1; what the client's own command does is told all the same
    hears, doer = await two(house, f"(MAILBOXES a {MESSAGES})", select="INBOX")
    await doer.append("INBOX", MAIL, "(\\Deleted)")
    assert await hears.ok("NOOP") == []
    assert await hears.ok("EXPUNGE") == ["* 1 EXISTS", "* 1 RECENT"]
    assert await hears.ok("EXPUNGE") == ["* 1 EXPUNGE"]


async def test_the_selected_mailbox_is_not_told_by_status(house: ImapHouse) -> None:
    hears, doer = await two(house, f"(PERSONAL {MESSAGES})", select="a")
    await doer.append("a", MAIL)
    await doer.append("c", MAIL)
    assert (await hears.hear()).startswith("* STATUS c ")
    await hears.ok("UNSELECT")
    await doer.append("a", MAIL)
    assert (await hears.hear()).startswith("* STATUS a (MESSAGES 2 ")


async def test_names(house: ImapHouse) -> None:
    # RFC 5465 §5.4, §5.5
    hears, doer = await two(house, "(SUBTREE a (MailboxName SubscriptionChange)) (MAILBOXES d (MailboxName))")
    await doer.ok("CREATE e")
    await doer.ok("CREATE d")
    assert await hears.hear() == '* LIST (\\HasNoChildren) "/" d'
    await doer.ok("RENAME a/b e/b")
    assert await hears.hear() == '* LIST (\\HasNoChildren) "/" e/b ("OLDNAME" (a/b))'
    await doer.ok("SUBSCRIBE c")
    await doer.ok("SUBSCRIBE a")
    assert await hears.hear() == '* LIST (\\HasNoChildren \\Subscribed) "/" a'
    await doer.ok("UNSUBSCRIBE a")
    assert await hears.hear() == '* LIST (\\HasNoChildren) "/" a'
    await doer.ok("CREATE a/x")
    assert await hears.hear() == '* LIST (\\HasNoChildren) "/" a/x'
    await doer.ok("DELETE a")  # with an inferior its name stays
    assert await hears.hear() == '* LIST (\\NonExistent \\Noselect \\HasChildren) "/" a'


async def test_none_ends_it(house: ImapHouse) -> None:
    hears, doer = await two(house, f"(PERSONAL {MESSAGES}) (SELECTED {MESSAGES})", select="INBOX")
    await hears.ok("NOTIFY NONE")
    await doer.append("INBOX", MAIL)
    await doer.append("a", MAIL)
    assert await hears.ok("NOOP") == []
    await hears.ok("UNSELECT")
    assert await hears.ok("NOOP") == []
    assert await hears.ok(f"NOTIFY SET (PERSONAL {MESSAGES})") == []
    await doer.append("c", MAIL)
    assert (await hears.hear()).startswith("* STATUS c ")


async def test_set_is_a_noop_as_well(house: ImapHouse) -> None:
    doer = await house.login()
    hears = await house.login(select="INBOX")
    await doer.append("INBOX", MAIL)
    assert await hears.ok("NOTIFY SET (PERSONAL NONE)") == ["* 1 EXISTS", "* 1 RECENT"]


async def test_too_much_ends_it(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 5465 §5.8
    hears, doer = await two(house, f"(PERSONAL {MESSAGES})")
    monkeypatch.setattr(limit, "IMAP_NOTIFY_AT_ONCE", 0)
    await doer.append("a", MAIL)
    assert (await hears.hear()).startswith("* OK [NOTIFICATIONOVERFLOW] ")
    await doer.append("a", MAIL)
    assert await hears.ok("NOOP") == []
    (answer,) = await hears.do(f"NOTIFY SET STATUS (PERSONAL {MESSAGES})")
    assert answer.startswith("NO [NOTIFICATIONOVERFLOW] ")
