"""REPLACE: the new message comes and the old one goes, or neither."""

import pytest

from posthaus.store import account
from posthaus.testing.imaphouse import NOW, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"
NEW = b"Subject: y\r\n\r\nhello!\r\n"


@pytest.mark.parametrize("command", [b"REPLACE 2", b"UID REPLACE 2", b"REPLACE *", b"UID REPLACE *"])
async def test_replace(house: ImapHouse, command: bytes) -> None:
    client = await house.login(select="INBOX")
    other = await house.login(select="INBOX")
    for _ in range(2):
        await client.append("INBOX", MAIL)
    heard = await client.do(command + b" INBOX (\\Draft) {%d+}\r\n%b" % (len(NEW), NEW))
    assert heard == [
        f"* OK [APPENDUID {NOW} 3] The new message is there",
        "* 2 EXPUNGE",
        "* 2 EXISTS",
        "* 2 RECENT",
        "OK REPLACE completed",
    ]
    (line,) = await client.ok("FETCH 2 (UID FLAGS BODY.PEEK[])")
    assert "UID 3" in line and "\\Draft" in line and NEW.decode() in line
    assert "* 2 EXISTS" in await other.ok("NOOP")


async def test_into_another_mailbox(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    await client.ok("CREATE Sent")
    await client.append("INBOX", MAIL)
    heard = await client.ok(b"REPLACE 1 Sent CATENATE (URL ;UID=1 TEXT {3+}\r\nend)")
    assert heard[1:] == ["* 1 EXPUNGE"]
    assert await client.ok("STATUS Sent (MESSAGES SIZE)") == [f"* STATUS Sent (MESSAGES 1 SIZE {len(MAIL) + 3})"]


async def test_all_or_none(house: ImapHouse) -> None:
    me = await house.account(quota_octets=2 * len(MAIL))
    client = await house.login(select="INBOX")
    for _ in range(2):
        await client.append("INBOX", MAIL)
    large = MAIL * 2
    for command, answer in (
        (b"REPLACE 1 INBOX {%d+}\r\n%b" % (len(large), large), "NO [OVERQUOTA]"),
        (b"REPLACE 1 none {%d+}\r\n%b" % (len(MAIL), MAIL), "NO [TRYCREATE]"),
        (b"REPLACE 3 INBOX {%d+}\r\n%b" % (len(MAIL), MAIL), "NO [NONEXISTENT]"),
        (b"UID REPLACE 9 INBOX {%d+}\r\n%b" % (len(MAIL), MAIL), "NO [NONEXISTENT]"),
        (b"REPLACE 1 INBOX CATENATE (URL /none/;UID=1)", "NO [BADURL"),
    ):
        assert (await client.do(command))[-1].startswith(answer)
    # the full account has room for as much as goes
    assert (await client.do(b"REPLACE 1 INBOX {%d+}\r\n%b" % (len(MAIL), MAIL)))[-1].startswith("OK")
    found = await house.store.read(account.get, me)
    assert (found.used_messages, found.used_octets) == (2, 2 * len(MAIL))


async def test_gone_meanwhile(house: ImapHouse) -> None:
    """Expunged by another, and this client does not know of it yet."""
    client, other = await house.login(select="INBOX"), await house.login(select="INBOX")
    await client.append("INBOX", MAIL)
    await other.ok("NOOP")
    await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.send(b"a REPLACE 1 INBOX {%d}\r\n" % len(MAIL))
    assert await client.hear() == "+ OK"
    await other.ok("EXPUNGE")
    client.send(MAIL + b"\r\n")
    assert (await client.answers("a"))[-1].startswith("a NO [NONEXISTENT]")
    assert await client.ok("STATUS INBOX (UIDNEXT)") == ["* STATUS INBOX (UIDNEXT 2)"]


async def test_examined(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    await client.append("INBOX", MAIL)
    await client.ok("EXAMINE INBOX")
    assert (await client.do(b"REPLACE 1 INBOX {%d}" % len(MAIL)))[-1].startswith("NO [READ-ONLY]")
