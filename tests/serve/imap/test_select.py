"""SELECT, EXAMINE, CLOSE, UNSELECT."""

from posthaus.testing.imaphouse import NOW, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def test_what_is_told(house: ImapHouse) -> None:
    client = await house.login()
    await client.append("INBOX", MAIL, "(\\Seen own)")
    await client.append("INBOX", MAIL)
    *heard, last = await client.do("SELECT inbox")
    flags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded $MDNSent $Junk $NotJunk $Phishing own"
    assert heard == [
        f"* FLAGS ({flags})",
        f"* OK [PERMANENTFLAGS ({flags} \\*)] Flags that stay",
        "* 2 EXISTS",
        "* 2 RECENT",
        "* OK [UNSEEN 2] First unseen",
        f"* OK [UIDVALIDITY {NOW}] UIDs valid",
        "* OK [UIDNEXT 3] Predicted next UID",
        "* OK [HIGHESTMODSEQ 3] Highest",
        "* OK [MAILBOXID (F1)] Mailbox",
    ]
    assert last == "OK [READ-WRITE] SELECT completed"


async def test_examine_changes_nothing(house: ImapHouse) -> None:
    client = await house.login()
    await client.append("INBOX", MAIL, "(\\Deleted)")
    *heard, last = await client.do("EXAMINE INBOX")
    assert last == "OK [READ-ONLY] EXAMINE completed"
    assert "* OK [PERMANENTFLAGS ()] Flags that stay" in heard
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 INBOX"):
        assert (await client.do(command))[-1].startswith("NO [READ-ONLY]"), command
    assert (await client.ok("FETCH 1 (BODY[TEXT] FLAGS)"))[0].endswith("FLAGS (\\Deleted \\Recent))")
    await client.ok("CLOSE")
    assert await client.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


async def test_the_mailbox_before_is_closed(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    assert (await client.ok("SELECT INBOX"))[0] == "* OK [CLOSED] The previous mailbox is closed"
    assert (await client.do("SELECT none"))[-1].startswith("NO [NONEXISTENT]")
    assert (await client.do("FETCH 1 UID"))[-1].startswith("BAD")  # RFC 9051 §6.3.2: nothing is selected now


async def test_close_expunges_and_unselect_does_not(house: ImapHouse) -> None:
    client = await house.login()
    await client.append("INBOX", MAIL, "(\\Deleted)")
    await client.append("INBOX", MAIL)
    await client.ok("SELECT INBOX")
    await client.ok("UNSELECT")
    assert await client.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 2)"]
    await client.ok("SELECT INBOX")
    assert await client.ok("CLOSE") == []
    assert await client.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


async def test_numbers_after_gaps(house: ImapHouse) -> None:
    client = await house.login()
    for n in range(9):
        await client.append("INBOX", MAIL, "(\\Deleted)" if n in (0, 3, 4, 8) else "")
    await client.ok("SELECT INBOX")
    await client.ok("EXPUNGE")
    heard = await client.ok("SELECT INBOX")
    assert "* 5 EXISTS" in heard and "* OK [UIDNEXT 10] Predicted next UID" in heard
    assert [line.split()[-1] for line in await client.ok("FETCH 1:* UID")] == ["2)", "3)", "6)", "7)", "8)"]
    assert await client.ok("UID FETCH 3:6 UID") == ["* 2 FETCH (UID 3)", "* 3 FETCH (UID 6)"]
    assert await client.ok("FETCH *:4 UID") == ["* 4 FETCH (UID 7)", "* 5 FETCH (UID 8)"]
    assert await client.ok("UID FETCH 99:* UID") == ["* 5 FETCH (UID 8)"]


async def test_unseen_of_many_sessions(house: ImapHouse) -> None:
    """The mark of the first unseen message goes back when somebody takes \\Seen away."""
    client = await house.login()
    for _ in range(4):
        await client.append("INBOX", MAIL, "(\\Seen)")
    assert not [line for line in await client.ok("SELECT INBOX") if "UNSEEN" in line]
    await client.ok("STORE 2 -FLAGS.SILENT (\\Seen)")
    assert "* OK [UNSEEN 2] First unseen" in await client.ok("SELECT INBOX")


async def test_a_thousand_seen_before_the_first_unseen(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"".join([b"p APPEND INBOX (\\Seen) {%d+}\r\n%b\r\n" % (len(MAIL), MAIL) for _ in range(1_000)]))
    for _ in range(1_000):
        assert " OK " in await client.hear()
    await client.append("INBOX", MAIL)
    for _ in range(3):
        assert "* OK [UNSEEN 1001] First unseen" in await client.ok("SELECT INBOX")
