"""Several sessions on one mailbox: who hears of what, and when."""

import asyncio
from typing import Any

import pytest

from posthaus.serve.imap import session
from posthaus.store import change
from posthaus.store.error import StoreDown
from posthaus.store.tx import Tx
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def three(house: ImapHouse) -> tuple[Client, Client]:
    """Two sessions, both with three messages."""
    one = await house.login()
    for _ in range(3):
        await one.append("INBOX", MAIL)
    await one.ok("SELECT INBOX")
    await one.ok("SELECT INBOX")  # so that nothing is recent
    return one, await house.login(select="INBOX")


async def expunge(client: Client, uids: str) -> list[str]:
    await client.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    return await client.ok(f"UID EXPUNGE {uids}")


async def test_others_news_come_with_the_next_answer(house: ImapHouse) -> None:
    one, other = await three(house)
    await one.append("INBOX", MAIL)
    await one.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert await other.ok("NOOP") == ["* 4 EXISTS", "* 1 RECENT", "* 2 FETCH (UID 2 FLAGS (\\Flagged))"]
    assert await other.ok("NOOP") == []


async def test_expunges_are_withheld(house: ImapHouse) -> None:
    """RFC 9051 §7.5.1: never while FETCH, STORE or SEARCH is answered; with UID they may."""
    one, other = await three(house)
    assert await expunge(one, "2") == ["* 2 EXPUNGE"]
    assert await other.ok("FETCH 1:3 UID") == [*(f"* {n} FETCH (UID {n})" for n in (1, 2, 3)), *_deleted(2)]
    assert await other.ok("STORE 3 +FLAGS (\\Seen)") == ["* 3 FETCH (FLAGS (\\Seen))"]
    assert await other.ok("SEARCH 2:3") == ["* SEARCH 3"]
    assert await other.ok("UID FETCH 3 FLAGS") == ["* 3 FETCH (UID 3 FLAGS (\\Seen))", "* 2 EXPUNGE"]
    assert await other.ok("FETCH 2 UID") == ["* 2 FETCH (UID 3)"]


def _deleted(number: int) -> list[str]:
    return [f"* {number} FETCH (UID {number} FLAGS (\\Deleted))"]


async def test_a_message_that_another_expunged_can_still_be_read(house: ImapHouse) -> None:
    one, other = await three(house)
    await expunge(one, "1")
    heard = await other.ok("FETCH 1 (FLAGS BODY.PEEK[])")
    assert heard[0] == f"* 1 FETCH (FLAGS (\\Deleted) BODY[] {{{len(MAIL)}}}\r\n{MAIL.decode()})"
    assert (await other.ok("NOOP"))[-1] == "* 1 EXPUNGE"


async def test_what_came_and_went_is_never_told(house: ImapHouse) -> None:
    one, other = await three(house)
    await one.append("INBOX", MAIL)
    await expunge(one, "4")
    await one.append("INBOX", MAIL)
    assert await other.ok("NOOP") == ["* 4 EXISTS", "* 1 RECENT"]
    assert await other.ok("FETCH 4 UID") == ["* 4 FETCH (UID 5)"]


async def test_many_expunges_are_told_last_first(house: ImapHouse) -> None:
    one, other = await three(house)
    assert await expunge(one, "1,3") == ["* 3 EXPUNGE", "* 1 EXPUNGE"]
    assert await other.ok("CHECK") == ["* 3 EXPUNGE", "* 1 EXPUNGE"]
    await one.append("INBOX", MAIL)
    assert (await other.ok("NOOP"))[0] == "* 2 EXISTS"
    assert await other.ok("FETCH 1:* UID") == ["* 1 FETCH (UID 2)", "* 2 FETCH (UID 4)"]


async def test_idle_hears_at_once(house: ImapHouse) -> None:
    one, other = await three(house)
    other.send(b"i IDLE\r\n")
    assert await other.hear() == "+ idling"
    await one.append("INBOX", MAIL)
    assert [await other.hear(), await other.hear()] == ["* 4 EXISTS", "* 1 RECENT"]
    await one.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert await other.hear() == "* 1 FETCH (UID 1 FLAGS (\\Seen))"
    await expunge(one, "2")
    heard = [await other.hear()]
    while not heard[-1].endswith("EXPUNGE"):
        heard.append(await other.hear())
    assert heard[-1] == "* 2 EXPUNGE"
    other.send(b"DONE\r\n")
    assert await other.hear() == "i OK IDLE completed"


async def test_idle_tells_what_waited(house: ImapHouse) -> None:
    one, other = await three(house)
    await one.append("INBOX", MAIL)
    other.send(b"i IDLE\r\n")
    assert [await other.hear() for _ in range(3)] == ["+ idling", "* 4 EXISTS", "* 1 RECENT"]
    other.send(b"DONE\r\n")
    assert (await other.hear()).startswith("i OK")


async def test_a_new_keyword_is_told_before_it_is_used(house: ImapHouse) -> None:
    one, other = await three(house)
    heard = await one.ok("STORE 1 +FLAGS (fresh)")
    assert heard[0].startswith("* FLAGS (") and "fresh" in heard[0]
    assert heard[1].startswith("* OK [PERMANENTFLAGS (") and heard[2] == "* 1 FETCH (FLAGS (fresh))"
    heard = await other.ok("NOOP")
    assert [line.split()[1] for line in heard] == ["FLAGS", "OK", "1"]


async def test_recent_belongs_to_one_session(house: ImapHouse) -> None:
    """RFC 3501 §2.3.2"""
    one = await house.login()
    await one.append("INBOX", MAIL)
    assert "* 1 RECENT" in await one.ok("EXAMINE INBOX")  # EXAMINE takes it from nobody
    assert "* 1 RECENT" in await one.ok("SELECT INBOX")
    other = await house.login()
    assert "* 0 RECENT" in await other.ok("SELECT INBOX")
    assert await one.ok("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Recent))"]
    assert await other.ok("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS ())"]


async def test_rev2_knows_no_recent(house: ImapHouse) -> None:
    one = await house.login(rev2=True)
    await one.append("INBOX", MAIL)
    heard = await one.ok("SELECT INBOX")
    assert not [line for line in heard if "RECENT" in line.upper()]
    assert '* LIST () "/" INBOX' in heard
    assert await one.ok("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS ())"]


async def test_commands_one_octet_at_a_time_and_all_at_once(house: ImapHouse) -> None:
    one, _ = await three(house)
    for octet in b"a NOOP\r\nb FETCH 1 UID\r\n":
        one.send(bytes([octet]))
        await asyncio.sleep(0)
    assert [await one.hear() for _ in range(3)] == ["a OK Done", "* 1 FETCH (UID 1)", "b OK FETCH completed"]
    one.send(b"".join([b"c%d FETCH %d UID\r\n" % (i, i % 3 + 1) for i in range(100)]))
    for i in range(100):
        assert (await one.answers(f"c{i}"))[0] == f"* {i % 3 + 1} FETCH (UID {i % 3 + 1})"


async def test_a_number_that_does_not_exist(house: ImapHouse) -> None:
    """RFC 9051 §2.3.1.2: BAD; a UID that does not exist is nothing."""
    one, _ = await three(house)
    for command in ("FETCH 4 UID", "FETCH 1:9 UID", "STORE 4 +FLAGS (\\Seen)", "COPY 4 INBOX", "MOVE 2:4 INBOX"):
        assert (await one.do(command))[-1].startswith("BAD"), command
    assert await one.ok("UID FETCH 9 UID") == []
    assert await one.ok("FETCH 2:* UID") == ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]


async def test_a_defect_ends_the_session(house: ImapHouse) -> None:
    """It is logged and not told; other sessions go on."""
    house.may_have_defects = True
    one, other = await three(house)
    await house.store.write(_spoil)
    one.send(b"x FETCH 1 BODY[1]\r\n")
    assert (await one.hear()).startswith("* BYE [SERVERBUG]")
    await one.over
    assert [line for line in house.log if "imap.defect" in line and "OldStructure" in line]
    await other.ok("NOOP")


async def _spoil(tx: Tx) -> None:
    await tx.run("UPDATE message SET structure=$1", b"\0")


async def test_news_that_cannot_be_read_are_told_later(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = await three(house)
    await one.append("INBOX", MAIL)
    await one.ok("STORE 2 +FLAGS.SILENT (\\Flagged $Own)")
    read = house.store.read
    all_news = ["* 4 EXISTS", "* 1 RECENT", "* 2 FETCH (UID 2 FLAGS (\\Flagged $Own))"]
    told: list[str] = []
    for good in range(4):  # reads until the store is down
        calls = 0

        async def failing(fn: Any, *args: Any, good: int = good) -> Any:
            nonlocal calls
            calls += 1
            if calls > good:
                raise StoreDown
            return await read(fn, *args)

        for way in ("read", "scan"):
            monkeypatch.setattr(house.store, way, failing)
        told += await other.ok("NOOP")
        monkeypatch.undo()
    told += await other.ok("NOOP")
    assert [line for line in told if "FLAGS " not in line or "FETCH" in line] == all_news
    assert [line for line in told if line.startswith("* FLAGS")]
    assert await other.ok("NOOP") == []


async def test_the_modseq_told_leaves_out_news_that_could_not_be_read(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await three(house)
    await other.ok("ENABLE CONDSTORE")
    before = (await other.do("EXPUNGE"))[-1]
    await one.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    read, calls = house.store.read, 0

    async def failing(fn: Any, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= 3:  # the flags: \Deleted is counted, and the book is read by then
            raise StoreDown
        return await read(fn, *args)

    for way in ("read", "scan"):
        monkeypatch.setattr(house.store, way, failing)
    assert await other.do("EXPUNGE") == [before]
    monkeypatch.undo()
    after = await other.do("EXPUNGE")
    assert after[0].startswith("* 2 FETCH") and after[-1] != before


async def test_idle_asks_again_after_news_that_could_not_be_read(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await three(house)
    monkeypatch.setattr(session, "_NEWS_AGAIN_S", 0.0)
    other.send(b"i IDLE\r\n")
    assert await other.hear() == "+ idling"
    read, asked = house.store.read, 0

    async def failing(fn: Any, *args: Any) -> Any:
        nonlocal asked
        if fn is change.since:
            asked += 1
            if asked == 1:
                raise StoreDown
        return await read(fn, *args)

    for way in ("read", "scan"):
        monkeypatch.setattr(house.store, way, failing)
    await one.append("INBOX", MAIL)
    assert [await other.hear(), await other.hear()] == ["* 4 EXISTS", "* 1 RECENT"]
    assert asked >= 2


async def test_tolerated_faults_are_counted(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    await client.ok("NOOP ")
    await client.ok("SEARCH ALL ")
    await client.ok("STATUS INBOX(MESSAGES)")
    assert house.site.metric.value("imap.quirk.trailing_space") == 2
    assert house.site.metric.value("imap.quirk.space_missing") == 1
