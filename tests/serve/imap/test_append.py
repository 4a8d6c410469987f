"""APPEND: what is refused before the octets, what is kept, and many in one commit."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from posthaus.base import limit
from posthaus.store import account
from posthaus.store.error import StoreFull
from posthaus.store.store import Store
from posthaus.testing.imaphouse import NOW, Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def test_flags_date_and_uid(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    answer = await client.append("INBOX", MAIL, '(\\Seen $Junk own) "01-Feb-2024 10:00:00 +0100"')
    assert answer == f"OK [APPENDUID {NOW} 1] APPEND completed"
    (line,) = await client.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    assert line == (
        '* 1 FETCH (FLAGS (\\Seen $Junk own \\Recent) INTERNALDATE " 1-Feb-2024 09:00:00 +0000"'
        f" RFC822.SIZE {len(MAIL)} BODY[] {{{len(MAIL)}}}\r\n{MAIL.decode()})"
    )


async def test_exists_comes_before_ok(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    heard = await client.do(b"APPEND INBOX {%d+}\r\n%b" % (len(MAIL), MAIL))
    assert heard[:2] == ["* 1 EXISTS", "* 1 RECENT"] and heard[2].startswith("OK [APPENDUID")


async def test_a_literal_that_waits(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"a APPEND INBOX {%d}\r\n" % len(MAIL))
    assert await client.hear() == "+ OK"
    client.send(MAIL[:5])
    client.send(MAIL[5:] + b"\r\n")
    assert (await client.hear()).startswith("a OK [APPENDUID")


async def test_the_name_as_a_literal(house: ImapHouse) -> None:
    client = await house.login()
    assert (await client.do(b"APPEND {5+}\r\nINBOX {%d+}\r\n%b" % (len(MAIL), MAIL)))[-1].startswith("OK")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"APPEND none {20}", "NO [TRYCREATE]"),
        (b"APPEND INBOX {10000001}", "NO [TOOBIG]"),
        (b"APPEND INBOX {9000001}", "NO [OVERQUOTA]"),
    ],
)
async def test_refused_before_it_comes(house: ImapHouse, command: bytes, answer: str) -> None:
    await house.account(quota_octets=9_000_000)
    client = await house.login()
    (heard,) = await client.do(command)
    assert heard.startswith(answer)
    await client.ok("NOOP")


async def test_refused_while_it_comes(house: ImapHouse) -> None:
    """A client that does not wait sends its octets all the same; they are passed over."""
    client = await house.login()
    assert (await client.append("none", MAIL)).startswith("NO [TRYCREATE]")
    assert (await client.append("INBOX", MAIL)).startswith("OK")


async def test_nul_is_encoded(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    for n, mark in enumerate((b"", b"~"), 1):
        heard = await client.do(b"APPEND INBOX %b{10+}\r\na: b\r\n\r\n\0x" % mark)
        assert heard[-1].startswith("OK")
        heard = await client.do(b"FETCH %d (BODY.PEEK[1] BINARY.SIZE[1])" % n)
        assert "AHg=" in "".join(heard) and "BINARY.SIZE[1] 2" in "".join(heard)
    binary = b"a: b\r\n\r\n\x01\xff\n"
    assert (await client.do(b"APPEND INBOX ~{%d+}\r\n%b" % (len(binary), binary)))[-1].startswith("OK")
    assert (await client.do(b"APPEND INBOX UTF8 (~{%d+}\r\n%b)" % (len(binary), binary)))[-1].startswith("OK")


@pytest.mark.parametrize("enabled", [False, True])
async def test_utf8_headers_are_given_as_they_are(house: ImapHouse, enabled: bool) -> None:
    """A client that has not asked for UTF-8 gets the same octets; strings of them are literals (RFC 6855 §4)."""
    client = await house.login(select="INBOX")
    if enabled:
        assert await client.ok("ENABLE UTF8=ACCEPT") == ["* ENABLED UTF8=ACCEPT"]
    mail = "Subject: ü\r\nFrom: ä <ö@example.test>\r\n\r\n".encode()
    assert (await client.do(b"APPEND INBOX UTF8 (~{%d+}\r\n%b)" % (len(mail), mail)))[-1].startswith("OK")
    assert (await client.append("INBOX", mail)).startswith("OK")
    (line,) = await client.ok("FETCH 2 (ENVELOPE BODY.PEEK[])")
    assert "{2}\r\nü" in line and "{2}\r\nö" in line and mail.decode() in line


async def test_octets_stay_as_they_are(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    odd = b"no header here\nbare LF\rbare CR\xff"
    await client.append("INBOX", odd)
    (line,) = await client.ok("FETCH 1 BODY.PEEK[]")
    assert line.encode("utf-8", "surrogateescape") == b"* 1 FETCH (BODY[] {%d}\r\n%b)" % (len(odd), odd)


@pytest.mark.parametrize("size", [100_000, 200_000, 400_000, 3_000_000])
async def test_large_ones(house: ImapHouse, size: int) -> None:
    """In the database, and outside of it; spooled in memory, and in a file."""
    client = await house.login(select="INBOX")
    mail = b"Subject: large\r\n\r\n" + os.urandom(size // 2).hex().encode()
    head = b"a APPEND INBOX {%d+}\r\n" % len(mail)
    for at in range(0, len(mail), 70_000):
        client.send((head if not at else b"") + mail[at : at + 70_000])
        await asyncio.sleep(0)
    client.send(b"\r\n")
    assert (await client.answers("a"))[-1].startswith("a OK [APPENDUID")
    (line,) = await client.ok("FETCH 1 BODY.PEEK[]")
    assert line.encode() == b"* 1 FETCH (BODY[] {%d}\r\n%b)" % (len(mail), mail)


async def test_a_large_one_that_turns_out_to_be_none(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"a APPEND INBOX {300000+}\r\n" + bytes(300_000) + b" and more\r\n")
    assert (await client.hear()).startswith("a BAD")
    assert (await client.append("INBOX", MAIL)).startswith("OK")


async def test_a_client_that_goes_away(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"a APPEND INBOX {300000+}\r\n" + bytes(200_000))
    await client.close()
    assert not list(Path(house.site.spool_folder).iterdir())


def pipelined(n: int, mailbox: bytes = b"INBOX") -> bytes:
    return b"".join([b"p%d APPEND %b {%d+}\r\n%b\r\n" % (i, mailbox, len(MAIL), MAIL) for i in range(n)])


async def tagged(client: Client, n: int) -> list[str]:
    heard: list[str] = []
    while len(heard) < n:
        line = await client.hear()
        if not line.startswith("*"):
            heard.append(line)
    return heard


async def test_pipelined_answers_in_order(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    client.send(pipelined(120) + b"last STATUS INBOX (MESSAGES)\r\n")
    heard = await tagged(client, 121)
    assert heard == [f"p{i} OK [APPENDUID {NOW} {i + 1}] APPEND completed" for i in range(120)] + [
        "last OK STATUS completed"
    ]
    assert await client.ok("FETCH 120 UID") == ["* 120 FETCH (UID 120)"]


async def test_pipelined_ones_share_a_commit(house: ImapHouse) -> None:
    """Counted at the book: one MODSEQ each; and at the wire: one write for all answers."""
    client = await house.login()
    writes = client.stream.writes
    client.send(pipelined(40))
    await tagged(client, 40)
    assert client.stream.writes == writes + 1


async def test_each_of_many_is_told_its_own_fate(house: ImapHouse) -> None:
    me = await house.account(quota_octets=3 * len(MAIL))
    client = await house.login()
    client.send(pipelined(3) + pipelined(1, b"none") + pipelined(2))
    heard = [line.split(" ")[1:3] for line in await tagged(client, 6)]
    # what is refused before its octets come needs no commit, and is answered at once
    assert sorted(heard) == sorted([["NO", "[TRYCREATE]"], *[["OK", "[APPENDUID"]] * 3, *[["NO", "[OVERQUOTA]"]] * 2])
    assert (await house.store.read(account.get, me)).used_messages == 3


async def test_commands_in_between_wait(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    client.send(pipelined(2) + b"x SEARCH ALL\r\n" + pipelined(1) + b"y LOGOUT\r\n")
    heard: list[str] = []
    while not (heard and heard[-1].startswith("y ")):
        heard.append(await client.hear())
    kinds = [line for line in heard if "EXISTS" not in line and "RECENT" not in line]
    assert [line.split(" ")[0] for line in kinds] == ["p0", "p1", "*", "x", "p0", "*", "y"]
    assert "* SEARCH 1 2" in heard


def several(*mails: bytes, mailbox: bytes = b"INBOX") -> bytes:
    return b"APPEND " + mailbox + b"".join([b" {%d+}\r\n%b" % (len(mail), mail) for mail in mails])


async def test_several_in_one(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    binary = b"Subject: c\r\n\r\n\0\xff"
    command = b"APPEND INBOX (\\Seen) {%d+}\r\n%b (own) {%d+}\r\n%b" % (len(MAIL), MAIL, len(MAIL), MAIL)
    heard = await client.do(command + b" ~{%d+}\r\n%b" % (len(binary), binary))
    assert heard == ["* 3 EXISTS", "* 3 RECENT", f"OK [APPENDUID {NOW} 1:3] APPEND completed"] or heard[-1].startswith(
        f"OK [APPENDUID {NOW} 1:3]"
    )
    lines = await client.ok("FETCH 1:3 FLAGS")
    assert "\\Seen" in lines[0] and "own" in lines[1]


async def test_several_wait_for_each_other(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"a APPEND INBOX {%d}\r\n" % len(MAIL))
    assert await client.hear() == "+ OK"
    client.send(MAIL + b" {%d}\r\n" % len(MAIL))
    assert await client.hear() == "+ OK"
    client.send(MAIL + b"\r\n")
    assert (await client.hear()).startswith(f"a OK [APPENDUID {NOW} 1:2]")


async def test_several_small_and_large(house: ImapHouse) -> None:
    """In the command, in the spool, and in a file; each comes back as it was."""
    client = await house.login(select="INBOX")
    mails = [b"Subject: %d\r\n\r\n" % n + os.urandom(size // 2).hex().encode() for n, size in enumerate(_SIZES)]
    assert (await client.do(several(*mails)))[-1].startswith(f"OK [APPENDUID {NOW} 1:{len(mails)}]")
    for n, mail in enumerate(mails, 1):
        (line,) = await client.ok(f"FETCH {n} BODY.PEEK[]")
        assert line.encode() == b"* %d FETCH (BODY[] {%d}\r\n%b)" % (n, len(mail), mail)


_SIZES = (100, 100_000, 60_000, 400_000, 10, 200_000)


async def test_all_or_none(house: ImapHouse) -> None:
    me = await house.account(quota_octets=3 * len(MAIL))
    client = await house.login(select="INBOX")
    for more in (several(*[MAIL] * 4), several(MAIL, b"x" * 10_000_001), several(MAIL, MAIL, mailbox=b"none")):
        assert (await client.do(more))[-1].startswith("NO [")
    assert (await client.do(several(MAIL) + b" (\\Seen)"))[-1].startswith("BAD")
    assert (await client.do(several(MAIL) + b" nonsense {3+}\r\nabc"))[-1].startswith("BAD")
    assert (await house.store.read(account.get, me)).used_messages == 0
    assert (await client.do(several(MAIL, MAIL, MAIL)))[-1].startswith("OK")
    assert not list(Path(house.site.spool_folder).iterdir())


async def test_quota_is_told_by_the_write_too(house: ImapHouse) -> None:
    """Two clients announce what fits for each, and not for both."""
    me = await house.account(quota_octets=3 * len(MAIL))
    one, two = await house.login(), await house.login()
    for client in (one, two):
        client.send(b"a " + several(MAIL) + b" {%d}\r\n" % len(MAIL))
        assert await client.hear() == "+ OK"
    for client in (one, two):
        client.send(MAIL + b"\r\n")
    answers = sorted([await one.hear(), await two.hear()])
    assert answers[0].startswith("a NO [OVERQUOTA]") and answers[1].startswith("a OK")
    assert (await house.store.read(account.get, me)).used_messages == 2


async def test_given_up_by_an_empty_one(house: ImapHouse) -> None:
    me = await house.account()
    client = await house.login()
    assert (await client.do(several(MAIL) + b" {0}"))[-1].startswith("NO No message is empty")
    assert (await client.do(b"APPEND INBOX {0}"))[-1].startswith("NO")
    assert (await house.store.read(account.get, me)).used_messages == 0


async def test_too_much_in_one(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "IMAP_APPEND_OCTETS", 2 * len(MAIL))
    client = await house.login()
    assert (await client.do(several(MAIL, MAIL)))[-1].startswith("OK")
    assert (await client.do(several(MAIL, MAIL, MAIL)))[-1].startswith("NO [TOOBIG]")


async def test_no_space(house: ImapHouse) -> None:
    client = await house.login()
    broken = replace(house.site, store=cast(Store, _Full(house.site.store)))
    other = Client(broken)
    await other.hear()
    await other.ok("LOGIN anna@example.test secret")
    assert (await other.append("INBOX", MAIL)).startswith("NO [UNAVAILABLE]")
    other.send(pipelined(2))
    assert [line.split(" ")[2] for line in await tagged(other, 2)] == ["[UNAVAILABLE]"] * 2
    await other.close()
    assert (await client.append("INBOX", MAIL)).startswith("OK")


class _Full:
    """A store whose disk is full."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, *args: object, **kwargs: object) -> object:
        raise StoreFull
