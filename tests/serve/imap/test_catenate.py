"""CATENATE: messages made of new text and of parts that are here already."""

import os

import pytest

from posthaus.base import limit
from posthaus.store import account
from posthaus.testing.imaphouse import NOW, ImapHouse

PARTS = (
    b"Subject: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nfirst\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("url", "octets"),
    [
        ("/INBOX/;UID=1", PARTS),
        (f"/inbox;UIDVALIDITY={NOW}/;UID=1/;SECTION=1", b"first"),
        (";UID=1/;SECTION=2.MIME", b"Content-Type: text/html\r\n\r\n"),
        ("imap://anna%40example.test@mx.example.test/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=2.3", b"b\r\n"),
        ("/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)", b"Subject: two\r\n\r\n"),
        ("/INBOX/;UID=1/;SECTION=HEADER/;PARTIAL=9", PARTS[9 : PARTS.index(b"--b")]),
    ],
)
async def test_parts(house: ImapHouse, url: str, octets: bytes) -> None:
    client = await house.login(select="INBOX")
    await client.append("INBOX", PARTS)
    text = b"Subject: new\r\n\r\n"
    command = b'APPEND INBOX (\\Draft) CATENATE (TEXT {%d+}\r\n%b URL "%b")' % (len(text), text, url.encode())
    assert (await client.do(command))[-1].startswith(f"OK [APPENDUID {NOW} 2]")
    (line,) = await client.ok("FETCH 2 BODY.PEEK[]")
    assert line.encode() == b"* 2 FETCH (BODY[] {%d}\r\n%b%b)" % (len(text + octets), text, octets)


async def test_from_a_large_one_outside(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    mail = b"Subject: large\r\n\r\n" + os.urandom(300_000).hex().encode()
    await client.append("INBOX", mail)
    urls = b"URL /INBOX/;UID=1/;SECTION=HEADER URL {32+}\r\n/INBOX/;UID=1/;PARTIAL=18.400000"
    assert (await client.do(b"APPEND INBOX CATENATE (%b)" % urls))[-1].startswith("OK")
    (line,) = await client.ok("FETCH 2 BODY.PEEK[]")
    assert line.encode() == b"* 2 FETCH (BODY[] {%d}\r\n%b)" % (400_018, mail[:400_018])


async def test_no_more_is_read_than_is_wanted(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or thousands of octets from a large message would be thousands of large messages read."""
    client = await house.login(select="INBOX")
    mail = b"Subject: large\r\n\r\n" + os.urandom(300_000).hex().encode()
    await client.append("INBOX", mail)
    read, spans = house.site.blobs.read, []

    async def counted(key: str, start: int, end: int) -> bytes:
        spans.append(end - start)
        return await read(key, start, end)

    monkeypatch.setattr(house.site.blobs, "read", counted)
    wanted = [(0, 10), (5, 20), (17, 1), (18, 1), (100, 7), (500_000, 9), (600_010, 100), (700_000, 5)]
    urls = b" ".join([b"URL /INBOX/;UID=1/;PARTIAL=%d.%d" % one for one in wanted])
    texts = b" ".join([b"URL /INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=%d.%d" % one for one in wanted])
    fields = b'URL "/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)/;PARTIAL=3.4"'
    assert (await client.do(b"APPEND INBOX CATENATE (%b %b %b)" % (urls, texts, fields)))[-1].startswith("OK")
    assert sum(spans) < 1_000
    (line,) = await client.ok("FETCH 2 BODY.PEEK[]")
    octets = [mail[at : at + n] for at, n in wanted] + [mail[18:][at : at + n] for at, n in wanted] + [b"ject"]
    assert line.encode().endswith(b"}\r\n%b)" % b"".join(octets))


@pytest.mark.parametrize(
    "url",
    [
        "/INBOX/;UID=2",
        "/none/;UID=1",
        "/INBOX;UIDVALIDITY=1/;UID=1",
        "/INBOX/;UID=1/;SECTION=7",
        "imap://other.test/INBOX/;UID=1",
        "imap://ben%40example.test@mx.example.test/INBOX/;UID=1",
        ";UID=1",
        "nonsense",
    ],
)
async def test_bad_url(house: ImapHouse, url: str) -> None:
    """Nothing is kept, not even the message before it."""
    me = await house.account()
    client = await house.login()
    await client.append("INBOX", PARTS)
    heard = await client.do(f'APPEND INBOX CATENATE (TEXT {{3+}}\r\na:b URL "/INBOX/;UID=1") CATENATE (URL "{url}")')
    assert heard[-1] == f'NO [BADURL "{url}"] A part is not there'
    assert (await house.store.read(account.get, me)).used_messages == 1


async def test_nobody_else_s_mail(house: ImapHouse) -> None:
    await house.account("ben@example.test")
    ben = await house.login("ben@example.test")
    await ben.append("INBOX", PARTS)
    client = await house.login()
    assert (await client.do("APPEND INBOX CATENATE (URL /INBOX/;UID=1)"))[-1].startswith("NO [BADURL")


async def test_a_url_cannot_break_the_line(house: ImapHouse) -> None:
    client = await house.login()
    heard = await client.do(b'APPEND INBOX CATENATE (URL {6+}\r\na]\r\n"b)')
    assert heard == ['NO [BADURL "a????b"] A part is not there']


async def test_limits(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await house.login()
    await client.append("INBOX", b"a: b\r\n\r\n" + b"x" * 3_000_000)
    urls = " ".join(["URL /INBOX/;UID=1"] * 4)
    assert (await client.do(f"APPEND INBOX CATENATE ({urls})"))[-1].startswith("NO [TOOBIG]")
    monkeypatch.setattr(limit, "IMAP_APPEND_OCTETS", 5_000_000)
    one = " CATENATE (URL /INBOX/;UID=1)"
    assert (await client.do("APPEND INBOX" + one * 2))[-1].startswith("NO [TOOBIG]")
    assert (await client.do("APPEND none" + one))[-1].startswith("NO [TRYCREATE]")


async def test_what_came_before_is_forgotten(house: ImapHouse) -> None:
    """A command that failed after its message was announced leaves nothing to the next one."""
    client = await house.login(select="INBOX")
    await client.ok("CREATE other")
    await client.append("INBOX", PARTS)
    assert (await client.do(b"APPEND other {3+}\r\na:b nonsense"))[-1].startswith("BAD")
    await client.ok("APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
    assert await client.ok("STATUS other (MESSAGES)") == ["* STATUS other (MESSAGES 0)"]
