"""COMPRESS and UNAUTHENTICATE: what a session forgets, and what it does not offer twice."""

from posthaus.testing.imaphouse import ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def test_compress_once(house: ImapHouse) -> None:
    client = await house.login()
    assert "COMPRESS=DEFLATE" in (await client.ok("CAPABILITY"))[0]
    assert (await client.do("COMPRESS LZMA"))[-1].startswith("NO [CANNOT]")
    assert await client.ok("COMPRESS DEFLATE") == []
    assert client.stream.compressed
    (line,) = await client.ok("CAPABILITY")
    assert "COMPRESS" not in line and "UNAUTHENTICATE" not in line
    assert (await client.do("COMPRESS DEFLATE"))[-1].startswith("NO [COMPRESSIONACTIVE]")
    assert (await client.do("UNAUTHENTICATE"))[-1].startswith("BAD")


async def test_what_came_in_the_clear_behind_compress_is_dropped(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"a COMPRESS DEFLATE\r\nb CREATE stray\r\n")
    assert (await client.hear()).startswith("a OK")
    client.send(b'c LIST "" *\r\n')
    assert [line for line in await client.answers("c") if "stray" in line] == []


async def test_unauthenticate(house: ImapHouse) -> None:
    """RFC 8437 §4: another person finds nothing of the first one."""
    await house.account("ben@example.test")
    client = await house.login(rev2=True, select="INBOX")
    await client.append("INBOX", MAIL)
    await client.ok("ENABLE CONDSTORE")
    await client.ok("UNAUTHENTICATE")
    assert (await client.do("FETCH 1 FLAGS"))[-1].startswith("BAD")
    assert (await client.do("UNAUTHENTICATE"))[-1].startswith("BAD")
    await client.ok("LOGIN ben@example.test secret")
    heard = await client.ok("SELECT INBOX")
    assert "* 0 EXISTS" in heard and "* 0 RECENT" in heard  # IMAP4rev2 is not enabled any more
    await (await house.login()).append("INBOX", MAIL)
    assert await client.ok("NOOP") == []
