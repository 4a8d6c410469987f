"""ENABLE UIDONLY beside the other extensions: NOTIFY, QRESYNC, CONTEXT, PARTIAL, filters, large and lost messages."""

from posthaus.base import limit
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\ntext\r\n"


async def filled(house: ImapHouse, count: int = 3, *, enable: str = "UIDONLY") -> Client:
    """UIDs from 2 on, so that none is a number."""
    client = await house.login()
    for _ in range(count + 1):
        await client.append("INBOX", MAIL)
    await client.ok("SELECT INBOX")
    await client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    if enable:
        await client.ok(f"ENABLE {enable}")
    return client


async def test_flags_of_many(house: ImapHouse) -> None:
    client = await filled(house, 120)
    heard = await client.ok("UID FETCH 1:* (FLAGS)")
    assert heard == [f"* {uid} UIDFETCH (FLAGS ({chr(92)}Recent))" for uid in range(2, 122)]


async def test_seen_is_told_and_the_modseq(house: ImapHouse) -> None:
    client = await filled(house, 1)
    (line,) = await client.ok("UID FETCH 2 (BODY[TEXT])")
    assert line == "* 2 UIDFETCH (BODY[TEXT] {6}\r\ntext\r\n FLAGS (\\Seen \\Recent))"
    await client.ok("ENABLE CONDSTORE")
    (line,) = await client.ok("UID STORE 2 -FLAGS.SILENT (\\Seen)")
    assert line.startswith("* 2 UIDFETCH (MODSEQ (")
    heard = await client.ok("UID FETCH 2 (BODY[]) (CHANGEDSINCE 1)")
    assert heard[-1].startswith("* 2 UIDFETCH (BODY[] {") and "UID " not in heard[-1][4:].partition("UIDFETCH")[2]


async def test_octets_outside(house: ImapHouse) -> None:
    client = await house.login()
    large = MAIL + b"x" * 78 * (limit.INLINE_OCTETS // 40)
    await client.append("INBOX", MAIL)
    await client.append("INBOX", large)
    await client.ok("ENABLE UIDONLY")
    await client.ok("SELECT INBOX")
    (line,) = await client.ok("UID FETCH 2 (BODY.PEEK[]<0.4>)")
    assert line == "* 2 UIDFETCH (BODY[]<0> {4}\r\nSubj)"


async def test_a_message_that_another_has_expunged(house: ImapHouse) -> None:
    client = await filled(house)
    other = await house.login(select="INBOX")
    await client.ok("UID SEARCH ALL")
    await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await other.ok("EXPUNGE")
    heard = await client.ok("UID FETCH 2:4 (FLAGS)")
    assert [line.split(" (")[0] for line in heard if "UIDFETCH" in line] == [f"* {uid} UIDFETCH" for uid in (2, 3, 4)]
    assert "* VANISHED 3" in heard + await client.ok("NOOP")


async def test_notify_and_idle(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("NOTIFY SET (selected (MessageNew (RFC822.SIZE) MessageExpunge FlagChange))")
    other = await house.login(select="INBOX")
    await other.append("INBOX", MAIL)
    assert [await client.hear() for _ in range(3)][::2] == ["* 4 EXISTS", f"* 5 UIDFETCH (RFC822.SIZE {len(MAIL)})"]
    await other.ok("UID STORE 2 FLAGS.SILENT (\\Flagged)")
    assert await client.hear() == "* 2 UIDFETCH (FLAGS (\\Flagged \\Recent))"
    await other.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    await client.hear()
    await other.ok("EXPUNGE")
    assert await client.hear() == "* VANISHED 2"


async def test_qresync_comes_back(house: ImapHouse) -> None:
    client = await filled(house, enable="QRESYNC")
    (line,) = await client.ok("STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)")
    validity, modseq = line.rstrip(")").split()[-3], line.rstrip(")").split()[-1]
    await client.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    await client.ok("UID STORE 4 FLAGS.SILENT (\\Answered)")
    await client.ok("EXPUNGE")
    again = await house.login()
    await again.ok("ENABLE QRESYNC UIDONLY")
    heard = await again.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq} 1:4))")
    assert "* VANISHED (EARLIER) 3" in heard
    assert [line for line in heard if line.startswith("* 4 UIDFETCH (FLAGS (\\Answered) MODSEQ (")]
    assert (await again.do("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)"))[-1].startswith("OK")
    only = await filled(house, 0)
    assert (await only.do("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)"))[-1].startswith("BAD")


async def test_what_is_kept_up_is_by_uid(house: ImapHouse) -> None:
    client = await filled(house, enable="")
    client.send(b"n SEARCH RETURN (UPDATE ALL) FLAGGED\r\n")
    await client.answers("n")
    client.send(b"u UID SEARCH RETURN (UPDATE (RFC822.SIZE) ALL) FLAGGED\r\n")
    await client.answers("u")
    assert '* NO [NOUPDATE "n"] It is told by number' in await client.ok("ENABLE UIDONLY")
    other = await house.login(select="INBOX")
    await other.ok("UID STORE 3 FLAGS.SILENT (\\Flagged)")
    assert await client.ok("NOOP") == [
        "* 3 UIDFETCH (FLAGS (\\Flagged \\Recent))",
        '* ESEARCH (TAG "u") UID ADDTO (0 3)',
    ]


async def test_partial_and_search_results(house: ImapHouse) -> None:
    client = await filled(house)
    assert await client.ok("UID FETCH 1:* (UID) (PARTIAL -1:-2)") == ["* 3 UIDFETCH (UID 3)", "* 4 UIDFETCH (UID 4)"]
    (line,) = await client.ok("UID SEARCH RETURN (PARTIAL 1:1 COUNT) ALL")
    assert line.endswith("UID PARTIAL (1:1 2) COUNT 3")
    assert await client.ok("UID SORT (ARRIVAL) UTF-8 ALL") == ["* SORT 2 3 4"]
    assert await client.ok("UID THREAD REFERENCES UTF-8 UID 3") == ["* THREAD (3)"]


async def test_a_filter_with_numbers(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok('SETMETADATA "" (/private/filters/values/first "1" /private/filters/values/third "UID 3")')
    assert (await client.do("UID SEARCH FILTER first"))[-1].startswith("BAD [UIDREQUIRED]")
    assert await client.ok("UID SEARCH FILTER third") == ["* SEARCH 3"]


async def test_a_new_log_in_knows_nothing_of_it(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("UNAUTHENTICATE")
    await client.ok("LOGIN anna@example.test secret")
    await client.ok("SELECT INBOX")
    assert (await client.ok("FETCH 1 (UID)")) == ["* 1 FETCH (UID 2)"]


async def test_move_and_replace(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("CREATE Other")
    copied, vanished = await client.ok("UID MOVE 2 Other")
    assert "COPYUID" in copied and vanished == "* VANISHED 2"
    heard = await client.do(f"UID REPLACE 3 INBOX {{{len(MAIL)}+}}\r\n".encode() + MAIL)
    assert "* VANISHED 3" in heard and heard[-1].startswith("OK")
