"""STATUS, from counters."""

from posthaus.testing.imaphouse import NOW, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def test_all_items(house: ImapHouse) -> None:
    client = await house.login()
    await client.append("INBOX", MAIL)
    await client.append("INBOX", MAIL, "(\\Seen \\Deleted)")
    items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE RECENT HIGHESTMODSEQ APPENDLIMIT DELETED-STORAGE"
    assert await client.ok(f"STATUS inbox ({items})") == [
        f"* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY {NOW} UNSEEN 1 DELETED 1 SIZE {2 * len(MAIL)} RECENT 2"
        f" HIGHESTMODSEQ 3 APPENDLIMIT 10000000 DELETED-STORAGE {len(MAIL)})"
    ]
    (line,) = await client.ok("STATUS INBOX (MAILBOXID)")
    assert line.startswith("* STATUS INBOX (MAILBOXID (F") and line.endswith("))")


async def test_recent_is_over_when_a_session_was_told(house: ImapHouse) -> None:
    client, other = await house.login(), await house.login()
    for _ in range(3):
        await client.append("INBOX", MAIL)
    await other.ok("SELECT INBOX")
    await other.ok("NOOP")
    assert await client.ok("STATUS INBOX (RECENT)") == ["* STATUS INBOX (RECENT 0)"]
    await other.ok("UNSELECT")
    for _ in range(2):
        await client.append("INBOX", MAIL)
    assert await client.ok("STATUS INBOX (RECENT)") == ["* STATUS INBOX (RECENT 2)"]


async def test_none(house: ImapHouse) -> None:
    client = await house.login()
    assert (await client.do("STATUS none (MESSAGES)"))[-1].startswith("NO [NONEXISTENT]")


async def test_of_the_selected_mailbox(house: ImapHouse) -> None:
    client, other = await house.login(select="INBOX"), await house.login()
    await other.append("INBOX", MAIL)
    heard = await client.ok("STATUS INBOX (MESSAGES)")
    assert heard == ["* STATUS INBOX (MESSAGES 1)", "* 1 EXISTS", "* 1 RECENT"]
