"""MESSAGELIMIT and SAVELIMIT: the newest are done and the last of them is named, or nothing is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse, imap_house

MAIL = b"Subject: x\r\n\r\ntext\r\n"


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[ImapHouse]:
    async with imap_house(tmp_path, message_limit=2) as made:
        yield made


@pytest.fixture
async def saving(tmp_path: Path) -> AsyncIterator[ImapHouse]:
    (tmp_path / "saving").mkdir()
    async with imap_house(tmp_path / "saving", save_limit=2) as made:
        yield made


async def filled(house: ImapHouse) -> Client:
    """UIDs 1, 3, 4, 5."""
    client = await house.login()
    for _ in range(5):
        await client.append("INBOX", MAIL)
    await client.ok("CREATE Other")
    await client.ok("SELECT INBOX")
    await client.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    return client


async def test_it_is_announced(limited: ImapHouse) -> None:
    client = await limited.login()
    (line,) = await client.ok("CAPABILITY")
    assert "MESSAGELIMIT=2" in line.split() and "SAVELIMIT" not in line


# RFC 9738 §3.1
async def test_fetch(limited: ImapHouse) -> None:
    client = await filled(limited)
    heard = await client.do("FETCH 1:* (UID)")
    assert heard[:-1] == ["* 3 FETCH (UID 4)", "* 4 FETCH (UID 5)"]
    assert heard[-1].startswith("OK [MESSAGELIMIT 2 4]")
    *_, answer = await client.do("UID FETCH 1:3 (UID)")
    assert answer == "OK FETCH completed"
    assert (await client.do("UID FETCH 1:* (UID) (PARTIAL -1:-3)"))[-1].startswith("NO [MESSAGELIMIT 2]")
    assert (await client.do("UID FETCH 1:* (UID) (PARTIAL -2:-3)"))[-1] == "OK FETCH completed"


async def test_what_is_told_unasked_has_no_limit(limited: ImapHouse) -> None:
    client, other = await filled(limited), await limited.login(select="INBOX")
    await other.ok("STORE 3:4 +FLAGS.SILENT (\\Flagged)")
    await other.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)")
    assert len(await client.ok("NOOP")) == 4


async def test_store(limited: ImapHouse) -> None:
    client = await filled(limited)
    heard = await client.do("UID STORE 1:* +FLAGS (\\Seen)")
    assert [line[:13] for line in heard[:-1]] == ["* 3 FETCH (UI", "* 4 FETCH (UI"]
    assert heard[-1].startswith("OK [MESSAGELIMIT 2 4]")
    heard = await client.do("UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Flagged)")
    assert "* NO [MESSAGELIMIT 2 4] Only the newest" in heard and heard[-1].startswith("OK [MODIFIED 4:5]")


async def test_search(limited: ImapHouse) -> None:
    client = await filled(limited)
    for command, found, answer in (
        ("UID SEARCH UNDELETED", " 4 5", "OK [MESSAGELIMIT 2 4]"),
        ("UID SEARCH SEEN", "", "OK [MESSAGELIMIT 2 4]"),  # it is those looked at that count
        ("UID SEARCH UID 1:4", " 3 4", "OK [MESSAGELIMIT 2 3]"),
        ("UID SEARCH UIDBEFORE 4", " 1 3", "OK SEARCH completed"),
        ("UID SEARCH UIDAFTER 4", " 5", "OK SEARCH completed"),
        ("UID SEARCH UIDAFTER 5", "", "OK SEARCH completed"),
        ("UID SEARCH UIDBEFORE 1", "", "OK"),
        ("UID SEARCH UIDAFTER 4294967295", "", "OK"),
        ("SEARCH BODY text", " 3 4", "OK [MESSAGELIMIT 2 4]"),
    ):
        line, last = await client.do(command)
        assert line == f"* SEARCH{found}", command
        assert last.startswith(answer), command
    assert (await client.do("UID SEARCH UIDAFTER 0"))[-1].startswith("BAD")
    await client.do("UID SEARCH RETURN (SAVE) ALL")
    assert (await client.do("UID SEARCH $"))[0] == "* SEARCH 4 5"
    heard = await client.do("UID SEARCH RETURN (UPDATE ALL) ALL")
    assert [line for line in heard if "NOUPDATE" in line]


# RFC 9738 §3.3: with N announced there is no THREAD of more than N messages, nor SORT, unless it is kept in order
@pytest.mark.parametrize("command", ["SORT (SUBJECT)", "SORT RETURN (COUNT) (ARRIVAL)", "THREAD REFERENCES"])
async def test_what_puts_in_order_is_of_all_or_none(limited: ImapHouse, command: str) -> None:
    client = await filled(limited)
    for uid in ("", "UID "):
        for key in ("ALL", "DELETED", "UID 1:4", "UIDBEFORE 5"):  # it is those looked at that count
            heard = await client.do(f"{uid}{command} UTF-8 {key}")
            assert heard == ["NO [MESSAGELIMIT 2] Too many messages; search among fewer"], key
        for key in ("3:4", "UID 1:3", "UIDAFTER 3"):
            await client.ok(f"{uid}{command} UTF-8 {key}")


async def test_what_is_refused_saves_nothing(limited: ImapHouse) -> None:
    client = await filled(limited)
    await client.ok("UID SEARCH RETURN (SAVE) UID 5")
    assert (await client.do("UID SORT RETURN (SAVE) (SUBJECT) UTF-8 ALL"))[-1].startswith("NO [MESSAGELIMIT 2]")
    assert await client.ok("UID SEARCH $") == ["* SEARCH"]  # RFC 5182 §2.1


async def test_copy_is_of_all_or_none(limited: ImapHouse) -> None:
    client = await filled(limited)
    assert (await client.do("UID COPY 1:* Other"))[-1].startswith("NO [MESSAGELIMIT 2 4]")
    assert "MESSAGES 0" in (await client.ok("STATUS Other (MESSAGES)"))[0]
    assert (await client.do("UID COPY 1:3 Other"))[-1].startswith("OK [COPYUID")


async def test_move(limited: ImapHouse) -> None:
    client = await filled(limited)
    copied, *expunged, answer = await client.do("UID MOVE 1:* Other")
    assert " 4:5 1:2]" in copied and expunged == ["* 4 EXPUNGE", "* 3 EXPUNGE"]
    assert answer.startswith("OK [MESSAGELIMIT 2 4]")
    await client.ok("ENABLE CONDSTORE")
    for _ in range(2):
        await client.append("INBOX", MAIL)
    heard = await client.do("UID MOVE 1:* Other")
    assert "* NO [MESSAGELIMIT 2 6] Only the newest" in heard and heard[-1].startswith("OK [HIGHESTMODSEQ")
    assert (await client.do("UID MOVE 1:* Other"))[-1].startswith("OK [HIGHESTMODSEQ")


async def test_expunge(limited: ImapHouse) -> None:
    client = await filled(limited)
    for uids in ("1:3", "4:5"):
        await client.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    heard = await client.do("UID EXPUNGE 1:*")
    assert heard[:-1] == ["* 4 EXPUNGE", "* 3 EXPUNGE"] and heard[-1].startswith("OK [MESSAGELIMIT 2 4]")
    await client.append("INBOX", MAIL)
    await client.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted)")
    assert (await client.do("EXPUNGE"))[-1] == "OK EXPUNGE completed"
    assert "MESSAGES 0" in (await client.ok("STATUS INBOX (MESSAGES)"))[0]


# RFC 9738 §3.1: neither has a limit, and so there is no other way to say how far it went
async def test_leaving_expunges_all(limited: ImapHouse) -> None:
    client = await filled(limited)
    for uids in ("1:3", "4:5"):
        await client.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    await client.ok("CLOSE")
    assert "MESSAGES 0" in (await client.ok("STATUS INBOX (MESSAGES)"))[0]


async def test_append(limited: ImapHouse, saving: ImapHouse) -> None:
    for house in (limited, saving):
        await _append(house)


async def _append(house: ImapHouse) -> None:
    client = await filled(house)
    message = b" {%d+}\r\n%b" % (len(MAIL), MAIL)
    assert (await client.do(b"APPEND Other" + message * 2))[-1].startswith("OK [APPENDUID")
    assert (await client.do(b"APPEND Other" + message * 3))[-1].startswith("NO [MESSAGELIMIT 2]")
    url = b" CATENATE (URL /INBOX/;UID=1)"
    assert (await client.do(b"APPEND Other" + url * 3))[-1].startswith("NO [MESSAGELIMIT 2]")
    assert "MESSAGES 2" in (await client.ok("STATUS Other (MESSAGES)"))[0]


async def test_savelimit_is_of_what_saves_alone(saving: ImapHouse) -> None:
    client = await filled(saving)
    (line,) = await client.ok("CAPABILITY")
    assert "SAVELIMIT=2" in line.split() and "MESSAGELIMIT" not in line
    assert (await client.do("UID FETCH 1:* (UID)"))[-1] == "OK FETCH completed"
    assert (await client.do("UID COPY 1:* Other"))[-1].startswith("NO [MESSAGELIMIT 2 4]")
    assert (await client.do("UID MOVE 1:* Other"))[-1].startswith("OK")
