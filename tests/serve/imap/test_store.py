"""STORE, COPY, MOVE, EXPUNGE."""

import pytest

from posthaus.base import limit
from posthaus.testing.imaphouse import NOW, Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def filled(house: ImapHouse, n: int = 4) -> Client:
    client = await house.login()
    for _ in range(n):
        await client.append("INBOX", MAIL)
    await client.ok("CREATE Other")
    await client.ok("SELECT INBOX")
    await client.ok("SELECT INBOX")
    return client


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("STORE 1 FLAGS (\\Seen)", ["* 1 FETCH (FLAGS (\\Seen))"]),
        ("STORE 1 +FLAGS \\Seen $Junk", ["* 1 FETCH (FLAGS (\\Seen \\Flagged $Junk))"]),
        ("STORE 1 -FLAGS (\\Flagged)", ["* 1 FETCH (FLAGS ())"]),
        ("STORE 1 -FLAGS (\\Seen unheard)", ["* 1 FETCH (FLAGS (\\Flagged))"]),
        ("STORE 1 FLAGS ()", ["* 1 FETCH (FLAGS ())"]),
        ("STORE 1 FLAGS.SILENT ()", []),
        ("UID STORE 1 +FLAGS (\\Draft)", ["* 1 FETCH (UID 1 FLAGS (\\Flagged \\Draft))"]),
        ("UID STORE 9 +FLAGS (\\Draft)", []),
        ("STORE 1 +FLAGS (\\Recent)", ["* 1 FETCH (FLAGS (\\Flagged))"]),
    ],
)
async def test_store(house: ImapHouse, command: str, told: list[str]) -> None:
    client = await filled(house, 1)
    await client.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert await client.ok(command) == told
    assert await client.ok("NOOP") == []


async def test_unchanged_since(house: ImapHouse) -> None:
    client = await filled(house, 2)
    _, line = await client.ok("FETCH 1 MODSEQ")
    modseq = line.split("(")[-1].rstrip(")")
    await client.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    heard = await client.do(f"STORE 1:2 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")
    assert heard[-1].startswith("OK [MODIFIED 2]")
    assert heard[:-1] == [f"* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ ({int(modseq) + 4}))"]


async def test_too_many_keywords(house: ImapHouse) -> None:
    client = await filled(house, 1)
    words = " ".join([f"k{i}" for i in range(limit.KEYWORDS_PER_MAILBOX)])
    await client.ok(f"STORE 1 +FLAGS.SILENT ({words})")
    assert (await client.do("STORE 1 +FLAGS (onemore)"))[-1].startswith("NO [LIMIT]")
    await client.ok("STORE 1 +FLAGS (K0)")


async def test_copy(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("STORE 2 +FLAGS.SILENT (\\Flagged own)")
    (answer,) = await client.do("COPY 2,4 Other")
    assert answer.startswith("OK [COPYUID ") and answer.split("]")[0].endswith(" 2,4 1:2")
    assert (await client.do("COPY 1 none"))[-1].startswith("NO [TRYCREATE]")
    assert await client.do("UID COPY 77 Other") == ["OK COPY completed"]
    (answer, *_) = (await client.do("COPY 1 INBOX"))[-1:]
    assert answer == f"OK [COPYUID {NOW} 1 5] COPY completed"
    await client.ok("SELECT Other")
    assert await client.ok("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS (\\Flagged own \\Recent))"]


async def test_a_copy_into_the_selected_mailbox_is_told(house: ImapHouse) -> None:
    client = await filled(house, 1)
    heard = await client.do("COPY 1 INBOX")
    assert heard[0] == "* 2 EXISTS"


async def test_move(house: ImapHouse) -> None:
    client, other = await filled(house), await house.login(select="INBOX")
    heard = await client.do("MOVE 1,3 Other")
    assert heard[0].startswith("* OK [COPYUID ") and heard[0].split("]")[0].endswith(" 1,3 1:2")
    assert heard[1:] == ["* 3 EXPUNGE", "* 1 EXPUNGE", "OK MOVE completed"]
    assert await other.ok("NOOP") == ["* 3 EXPUNGE", "* 1 EXPUNGE"]
    assert await client.do("UID MOVE 1 Other") == ["OK MOVE completed"]
    assert (await client.do("MOVE 1 none"))[-1].startswith("NO [TRYCREATE]")
    assert await client.ok("STATUS Other (MESSAGES)") == ["* STATUS Other (MESSAGES 2)"]


async def test_move_into_itself(house: ImapHouse) -> None:
    client = await filled(house, 3)
    heard = await client.do("MOVE 1 INBOX")
    assert heard[0] == f"* OK [COPYUID {NOW} 1 4] Moved"
    assert "* 1 EXPUNGE" in heard and heard[-1] == "OK MOVE completed"
    assert [line.split()[-1] for line in await client.ok("FETCH 1:* UID")] == ["2)", "3)", "4)"]


async def test_expunge(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    assert await client.ok("UID EXPUNGE 2,4") == ["* 2 EXPUNGE"]
    assert await client.ok("EXPUNGE") == ["* 2 EXPUNGE", "* 1 EXPUNGE"]
    assert await client.ok("FETCH 1 UID") == ["* 1 FETCH (UID 4)"]
    assert await client.ok("EXPUNGE") == []


async def test_only_what_this_client_has_seen_is_expunged(house: ImapHouse) -> None:
    client, other = await filled(house, 1), await house.login()
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.append("INBOX", MAIL, "(\\Deleted)")
    assert (await client.ok("EXPUNGE"))[:2] == ["* 1 EXPUNGE", "* 1 EXISTS"]
    assert await client.ok("FETCH 1 UID") == ["* 1 FETCH (UID 2)"]


async def test_of_thousands(house: ImapHouse) -> None:
    client = await house.login()
    client.send(b"".join([b"p APPEND INBOX {%d+}\r\n%b\r\n" % (len(MAIL), MAIL) for _ in range(500)]))
    for _ in range(500):
        assert " OK " in await client.hear()
    for _ in range(4):
        await client.ok("SELECT INBOX")
        await client.ok("COPY 1:* INBOX")
    await client.ok("CREATE Other")
    await client.ok("SELECT INBOX")
    assert len(await client.ok("STORE 1:* +FLAGS (\\Seen)")) == 8_000
    (copied, *gone), _ = (await client.do("MOVE 1:* Other"))[:-1], None
    assert copied.split("]")[0].endswith(" 1:8000 1:8000") and len(gone) == 8_000
    assert await client.ok("STATUS Other (MESSAGES UNSEEN)") == ["* STATUS Other (MESSAGES 8000 UNSEEN 0)"]
