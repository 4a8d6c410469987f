"""CONDSTORE and QRESYNC: what a client that comes back is told, and how it hears of things meanwhile."""

import re

from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\ntext\r\n"


async def resync(house: ImapHouse, select: str = "INBOX") -> Client:
    client = await house.login()
    assert await client.ok("ENABLE QRESYNC") == ["* ENABLED QRESYNC"]
    await client.ok(f"SELECT {select}")
    return client


async def filled(house: ImapHouse, n: int) -> Client:
    client = await house.login()
    for _ in range(n):
        await client.append("INBOX", MAIL)
    await client.ok("SELECT INBOX")
    return client


def code_of(lines: list[str], name: str) -> int:
    (found,) = [m[1] for line in lines if (m := re.search(rf"\[{name} (\d+)\]", line))]
    return int(found)


async def status(client: Client) -> tuple[int, int]:
    (line,) = await client.ok("STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)")
    found = re.search(r"UIDVALIDITY (\d+) HIGHESTMODSEQ (\d+)", line)
    assert found
    return int(found[1]), int(found[2])


async def missed(client: Client, parameters: str) -> list[str]:
    """What SELECT tells besides what it always tells."""
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({parameters}))")
    return [line for line in lines if "VANISHED" in line or "FETCH" in line]


async def test_what_was_missed(house: ImapHouse) -> None:
    one = await filled(house, 9)
    validity, before = await status(await house.login())
    await one.ok("STORE 3,5 +FLAGS.SILENT (\\Flagged)")
    await one.ok("STORE 2,8 +FLAGS.SILENT (\\Deleted)")
    await one.ok("EXPUNGE")
    await one.append("INBOX", MAIL)
    _, after = await status(await house.login())
    back = await resync(house, "INBOX")
    vanished = "* VANISHED (EARLIER) 2,8"
    changed = [
        f"* 2 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ ({before + 1}))",
        f"* 4 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ ({before + 1}))",
    ]
    new = f"* 8 FETCH (UID 10 FLAGS () MODSEQ ({after}))"
    assert await missed(back, f"{validity} {before}") == [vanished, *changed, new]
    assert await missed(back, f"{validity} {before} 1:9") == [vanished, *changed]
    assert await missed(back, f"{validity} {before} 4:9") == ["* VANISHED (EARLIER) 8", changed[1]]
    assert await missed(back, f"{validity} {before} 1:9 (1,5,9 1,5,9)") == [vanished, *changed]
    assert await missed(back, f"{validity} {after}") == []
    assert await missed(back, f"{validity + 1} {before}") == []  # another mailbox: all is new to the client


async def test_syntax_and_order(house: ImapHouse) -> None:
    client = await filled(house, 1)
    assert (await client.do("SELECT INBOX (QRESYNC (1 1))"))[-1].startswith("BAD")  # RFC 7162 §3.2.5: ENABLE first
    assert (await client.do("UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)"))[-1].startswith("BAD")
    await client.ok("ENABLE QRESYNC")
    for parameters in ("", "1", "0 1", "1 0", "1 1 *", "1 1 1:* (1", "x y"):
        assert (await client.do(f"SELECT INBOX (QRESYNC ({parameters}))"))[-1].startswith("BAD"), parameters
    assert (await client.do("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)"))[-1].startswith("BAD")  # UID FETCH alone
    assert (await client.do("UID FETCH 1 FLAGS (VANISHED)"))[-1].startswith("BAD")


async def test_expunges_are_told_by_uid(house: ImapHouse) -> None:
    await filled(house, 9)
    one, other = await resync(house), await resync(house)
    await one.ok("STORE 2:4,7 +FLAGS.SILENT (\\Deleted)")
    heard = await one.do("EXPUNGE")
    assert heard[:-1] == ["* VANISHED 2:4,7"]
    held = await other.ok("FETCH 1 UID")  # held back, as EXPUNGE is (RFC 9051 §7.5.1)
    assert held[0] == "* 1 FETCH (UID 1)" and not [line for line in held if "VANISHED" in line]
    noop = await other.ok("NOOP")
    assert "* VANISHED 2:4,7" in noop and not [line for line in noop if "EXPUNGE" in line]
    _, highest = await status(await house.login())
    assert heard[-1] == f"OK [HIGHESTMODSEQ {highest}] EXPUNGE completed"
    await one.ok("CREATE Old")
    moved = await one.do("UID MOVE 8:9 Old")
    assert "* VANISHED 8:9" in moved and "[HIGHESTMODSEQ " in moved[-1]


async def test_highest_modseq_is_never_above_a_withheld_expunge(house: ImapHouse) -> None:
    await filled(house, 5)
    one, other = await resync(house), await house.login(select="INBOX")
    await one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await other.ok("NOOP")
    _, before = await status(await house.login())
    await one.ok("EXPUNGE")
    await one.append("INBOX", MAIL)  # told at once, and does not raise what the client may count on
    assert "* 6 EXISTS" in await other.ok("FETCH 1 FLAGS")
    assert code_of(await other.ok("FETCH 1 MODSEQ"), "HIGHESTMODSEQ") == before


async def test_close_says_how_far_the_client_is(house: ImapHouse) -> None:
    await filled(house, 5)
    one = await resync(house)
    await one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    answer = (await one.do("CLOSE"))[-1]
    assert answer == f"OK [HIGHESTMODSEQ {(await status(await house.login()))[1]}] CLOSE completed"
    await one.ok("SELECT INBOX")
    other = await house.login(select="INBOX")
    await one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")  # of which the first has not heard
    assert (await one.do("CLOSE"))[-1] == "OK CLOSE completed"
    await one.ok("SELECT INBOX")
    await one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.ok("NOOP")
    await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await one.ok("FETCH 1 UID")
    await other.ok("UID EXPUNGE 4")
    assert (await one.do("CLOSE"))[-1] == "OK CLOSE completed"


async def test_uid_fetch_vanished(house: ImapHouse) -> None:
    one = await filled(house, 9)
    _, before = await status(await house.login())
    await one.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    await one.ok("EXPUNGE")
    await one.ok("STORE 5 +FLAGS.SILENT (\\Seen)")
    other = await resync(house)
    heard = await other.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {before} VANISHED)")
    assert heard[0] == "* VANISHED (EARLIER) 3"
    assert [line.split(" FLAGS")[0] for line in heard[1:]] == ["* 5 FETCH (UID 6"]
    assert await other.ok(f"UID FETCH 7:8 (FLAGS) (CHANGEDSINCE {before} VANISHED)") == []


async def test_who_knows_of_modseqs_is_told_them(house: ImapHouse) -> None:
    one = await filled(house, 3)
    other = await house.login()
    assert await other.ok("SELECT INBOX (CONDSTORE)")
    await one.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    (line,) = [line for line in await other.ok("NOOP") if "FETCH" in line]
    assert re.fullmatch(r"\* 2 FETCH \(UID 2 FLAGS \(\\Flagged( \\Recent)?\) MODSEQ \(\d+\)\)", line)
    (line,) = await other.ok("STORE 1 +FLAGS (\\Seen)")
    assert re.fullmatch(r"\* 1 FETCH \(UID 1 FLAGS \(\\Seen( \\Recent)?\) MODSEQ \(\d+\)\)", line)
    assert re.fullmatch(r"\* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)", (await other.ok("STORE 1 -FLAGS.SILENT (\\Seen)"))[0])
    assert await other.ok("STORE 1 -FLAGS.SILENT (\\Seen)") == []  # nothing changed
    assert [line for line in await one.ok("NOOP") if "MODSEQ" in line] == []  # who has not asked is spared them


async def test_enabled_with_a_mailbox_open(house: ImapHouse) -> None:
    one = await filled(house, 1)
    heard = await one.ok("ENABLE CONDSTORE")
    assert heard[0] == "* ENABLED CONDSTORE" and code_of(heard, "HIGHESTMODSEQ")
    assert await one.ok("ENABLE QRESYNC") == ["* ENABLED QRESYNC"]
