"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE."""

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def names(client: Client) -> list[str]:
    """All but the view of deleted messages."""
    lines = await client.ok('LIST "" *')
    return [line.rpartition('"/" ')[2] for line in lines if "Deleted messages" not in line]


async def test_create_makes_what_is_above(house: ImapHouse) -> None:
    client = await house.login()
    assert await client.ok("CREATE a/b/c") == []
    assert await client.ok("CREATE d/") == []
    assert await names(client) == ["INBOX", "a", "a/b", "a/b/c", "d"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("CREATE INBOX", "NO [ALREADYEXISTS]"),
        ("CREATE inbox/", "NO [ALREADYEXISTS]"),
        ('CREATE ""', "NO [CANNOT]"),
        ("CREATE /", "NO [CANNOT]"),
        ("CREATE a//b", "NO [CANNOT]"),
        ("CREATE ../up", "NO [CANNOT]"),
        ('CREATE "a*"', "NO [CANNOT]"),
        ("CREATE x (USE (\\Flagged))", "NO [USEATTR]"),
        ("CREATE x (USE (\\Unheard))", "NO [USEATTR]"),
        ("CREATE x (USE (\\Sent \\Trash))", "NO [USEATTR]"),
        ("DELETE INBOX", "NO [CANNOT]"),
        ("DELETE none", "NO [NONEXISTENT]"),
        ("RENAME none other", "NO [NONEXISTENT]"),
        ("RENAME INBOX INBOX", "NO [CANNOT]"),
        ("SUBSCRIBE a//b", "NO [CANNOT]"),
    ],
)
async def test_refused(house: ImapHouse, command: str, answer: str) -> None:
    client = await house.login()
    heard = await client.do(command)
    assert len(heard) == 1 and heard[0].startswith(answer)


async def test_special_use_once(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE Gone (USE (\\trash))")
    assert await client.ok('LIST "" Gone') == ['* LIST (\\HasNoChildren \\Trash) "/" Gone']
    assert (await client.do("CREATE More (USE (\\Trash))"))[-1].startswith("NO [USEATTR]")
    await client.ok("CREATE Plain (USE ())")


async def test_a_name_made_canonical_is_told_to_rev2(house: ImapHouse) -> None:
    client = await house.login(rev2=True)
    assert await client.ok("CREATE inbox/x") == ['* LIST () "/" INBOX/x ("OLDNAME" (inbox/x))']


async def test_delete_of_the_selected_mailbox(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE box")
    await client.append("box", MAIL)
    await client.ok("SELECT box")
    assert await client.ok("DELETE box") == ["* OK [CLOSED] The selected mailbox is deleted"]
    assert (await client.do("FETCH 1 UID"))[-1].startswith("BAD")
    assert (await client.do("SELECT box"))[-1].startswith("NO [NONEXISTENT]")


async def test_delete_under_another_session(house: ImapHouse) -> None:
    """RFC 2180 §3.3: the other one sees its messages go, and is not cut off."""
    one, other = await house.login(), await house.login()
    await one.ok("CREATE box")
    await one.append("box", MAIL)
    await one.append("box", MAIL)
    await other.ok("SELECT box")
    await one.ok("DELETE box")
    assert await other.ok("NOOP") == ["* 2 EXPUNGE", "* 1 EXPUNGE"]
    assert await other.ok("SEARCH ALL") == ["* SEARCH"]
    assert (await other.append("box", MAIL)).startswith("NO [TRYCREATE]")


async def test_delete_leaves_the_name_above_others(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE a/b")
    await client.ok("DELETE a")
    assert await client.ok('LIST "" a') == ['* LIST (\\Noselect \\HasChildren) "/" a']
    assert (await client.do("DELETE a"))[-1].startswith("NO [HASCHILDREN]")
    assert (await client.do("SELECT a"))[-1].startswith("NO [NONEXISTENT]")
    await client.ok("CREATE a")
    await client.ok("SELECT a")


async def test_rename_of_the_selected_mailbox(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE a/b")
    await client.append("a/b", MAIL)
    await client.ok("SELECT a/b")
    assert await client.ok("RENAME a z/y") == []
    assert await names(client) == ["INBOX", "z", "z/y", "z/y/b"]
    assert await client.ok("FETCH 1 UID") == ["* 1 FETCH (UID 1)"]
    assert (await client.append("z/y/b", MAIL)).startswith("OK")
    assert await client.ok("FETCH 2 UID") == ["* 2 FETCH (UID 2)"]


async def test_rename_inbox(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    for _ in range(3):
        await client.append("INBOX", MAIL, "(\\Flagged)")
    await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    heard = await client.ok("RENAME inbox Saved")
    assert heard == ["* 2 EXPUNGE", "* 1 EXPUNGE"]
    assert await client.ok("STATUS Saved (MESSAGES UIDNEXT)") == ["* STATUS Saved (MESSAGES 2 UIDNEXT 3)"]
    assert await client.ok("STATUS INBOX (MESSAGES UIDNEXT)") == ["* STATUS INBOX (MESSAGES 0 UIDNEXT 4)"]
    await client.ok("SELECT Saved")
    assert await client.ok("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Flagged \\Recent))"]


async def test_subscribe(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("SUBSCRIBE not/there")
    await client.ok("SUBSCRIBE inbox")
    assert await client.ok('LSUB "" *') == ['* LSUB () "/" INBOX', '* LSUB (\\Noselect) "/" not/there']
    await client.ok("UNSUBSCRIBE not/there")
    await client.ok("UNSUBSCRIBE never")
    assert await client.ok('LSUB "" *') == ['* LSUB () "/" INBOX']
