"""\\Seen of each: an owner and two members in one mailbox, on both databases."""

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"
ANNA, BEN, CLEO = "anna@example.test", "ben@example.test", "cleo@example.test"
INBOX = f'"Other users/{ANNA}/INBOX"'
DONE = f'"Other users/{ANNA}/Done"'


@pytest.fixture
def house(either: ImapHouse) -> ImapHouse:
    return either


async def three(house: ImapHouse, *flags: str, rev2: bool = False) -> tuple[Client, Client, Client]:
    """Anna with a message for each of these flags, Ben and Cleo who may do everything there; all have it selected."""
    anna = await house.login(ANNA, rev2=rev2)
    for each in flags:
        await anna.append("INBOX", MAIL, f"({each})")
    for name in (BEN, CLEO):
        await house.account(name)
        await anna.ok(f"SETACL INBOX {name} lrswipkxte")
    await anna.ok("SELECT INBOX")
    ben, cleo = [await house.login(name, rev2=rev2, select=INBOX) for name in (BEN, CLEO)]
    return anna, ben, cleo


async def flags(client: Client, numbers: str = "1:*") -> list[str]:
    """Of each message, without \\Recent, which is whoever's who came first."""
    heard = [line for line in await client.ok(f"FETCH {numbers} (FLAGS)") if "FETCH (FLAGS" in line]
    return [line.split("FLAGS (")[1].split(")")[0].replace("\\Recent", "").strip() for line in heard]


async def told(client: Client, command: str = "NOOP") -> list[str]:
    return [line.replace(" \\Recent", "").replace("\\Recent", "") for line in await client.ok(command)]


async def counted(client: Client, mailbox: str = INBOX) -> str:
    (line,) = await client.ok(f"STATUS {mailbox} (UNSEEN)")
    return line.rpartition("(")[2].rstrip(")")


# -- reading and writing -------------------------------------------------------------------------------------------


async def test_each_has_his_own(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "\\Seen", "\\Flagged", "")
    assert await flags(ben) == ["", "\\Flagged", ""]
    await ben.ok("STORE 2 +FLAGS (\\Seen)")
    await cleo.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
    await anna.ok("STORE 1 -FLAGS.SILENT (\\Seen)")
    assert await flags(anna) == ["", "\\Flagged", ""]
    assert await flags(ben) == ["", "\\Flagged \\Seen", ""] or await flags(ben) == ["", "\\Seen \\Flagged", ""]
    assert await flags(cleo) == ["", "\\Flagged", "\\Seen"]
    assert [await counted(client) for client in (ben, cleo)] == ["UNSEEN 2", "UNSEEN 2"]
    assert await counted(anna, "INBOX") == "UNSEEN 3"


async def test_an_answer_to_store_has_his_own(house: ImapHouse) -> None:
    anna, ben, _ = await three(house, "\\Seen", "")
    assert await told(ben, "STORE 1:2 +FLAGS (\\Flagged)") == [
        "* 1 FETCH (FLAGS (\\Flagged))",
        "* 2 FETCH (FLAGS (\\Flagged))",
    ]
    assert await told(ben, "UID STORE 2 FLAGS (\\Seen)") == ["* 2 FETCH (UID 2 FLAGS (\\Seen))"]
    assert await flags(anna) == ["\\Seen \\Flagged", ""] or await flags(anna) == ["\\Flagged \\Seen", ""]
    assert await told(ben, "STORE 1:2 -FLAGS (\\Seen)") == ["* 1 FETCH (FLAGS (\\Flagged))", "* 2 FETCH (FLAGS ())"]
    assert (await flags(anna))[0].count("\\Seen") == 1


async def test_reading_a_body_marks_it_for_the_reader(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "", "\\Seen")
    heard = await ben.ok("FETCH 1:2 (BODY[TEXT])")
    assert all("\\Seen" in line for line in heard) and len(heard) == 2
    assert not [line for line in await ben.ok("FETCH 1:2 (BODY[TEXT])") if "FLAGS" in line]
    await cleo.ok("FETCH 1:2 (BODY.PEEK[TEXT])")
    assert ["\\Seen" in f for f in await flags(cleo)] == [False, False]
    assert ["\\Seen" in f for f in await flags(anna)] == [False, True]
    assert await counted(ben) == "UNSEEN 0"


async def test_what_is_withheld_is_told_as_he_saw_it(house: ImapHouse) -> None:
    """The flags of a message that another has expunged, and of which this client does not know yet."""
    anna, ben, _ = await three(house, "\\Deleted", "\\Seen")
    await ben.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    await anna.ok("EXPUNGE")
    assert await flags(ben) == ["\\Seen \\Deleted", ""] or await flags(ben) == ["\\Deleted \\Seen", ""]
    assert "* 1 EXPUNGE" in await ben.ok("NOOP")
    assert await flags(ben) == [""]


async def test_unseen_of_select(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "\\Seen", "", "\\Seen")
    await ben.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)")
    assert "* OK [UNSEEN 3] First unseen" in await ben.ok(f"SELECT {INBOX}")
    assert "* OK [UNSEEN 1] First unseen" in await cleo.ok(f"EXAMINE {INBOX}")
    assert "* OK [UNSEEN 2] First unseen" in await anna.ok("SELECT INBOX")
    await ben.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
    assert not [line for line in await ben.ok(f"SELECT {INBOX}") if "UNSEEN" in line]


async def test_counted_in_lists(house: ImapHouse) -> None:
    _, ben, _ = await three(house, "\\Seen", "", "", "")
    await ben.ok("STORE 1,3:4 +FLAGS.SILENT (\\Seen)")
    heard = await ben.ok('LIST "" * RETURN (STATUS (UNSEEN))')
    assert [line for line in heard if line.startswith("* STATUS") and "Other" in line] == [
        f"* STATUS {INBOX} (UNSEEN 1)"
    ]
    assert "* STATUS INBOX (UNSEEN 0)" in heard


# -- searching -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("UNSEEN", "2 4"),
        ("SEEN", "1 3"),
        ("NOT SEEN", "2 4"),
        ("SEEN UNSEEN", ""),
        ("UNSEEN FLAGGED", "2"),
        ("SEEN UNFLAGGED", "3"),
        ("OR SEEN FLAGGED", "1 2 3"),
        ("NOT (SEEN FLAGGED)", "2 3 4"),
        ("2:3 UNSEEN", "2"),
        ("UNSEEN SUBJECT x", "2 4"),
        ("OR (UNSEEN SUBJECT y) SEEN", "1 3"),
        ("FLAGGED", "1 2"),
    ],
)
async def test_search(house: ImapHouse, key: str, found: str) -> None:
    _, ben, _ = await three(house, "\\Flagged", "\\Flagged \\Seen", "\\Seen", "")
    await ben.ok("STORE 1,3 +FLAGS.SILENT (\\Seen)")
    assert await ben.ok(f"SEARCH {key}") == [f"* SEARCH {found}".rstrip()]
    assert await ben.ok(f"SORT (ARRIVAL) UTF-8 {key}") == [f"* SORT {found}".rstrip()]
    (line,) = await ben.ok(f"SEARCH RETURN (COUNT) {key}")
    assert line.endswith(f" COUNT {len(found.split())}")
    await ben.ok("UNSELECT")
    heard = await ben.ok(f"ESEARCH IN (mailboxes {INBOX}) RETURN (ALL) {key}") if key[0] not in "23" else []
    assert bool(heard) == (bool(found) and key[0] not in "23")


async def test_a_search_that_is_kept_up(house: ImapHouse) -> None:
    _, ben, cleo = await three(house, "", "", "")
    await ben.ok("ENABLE IMAP4rev2")
    heard = await ben.ok("UID SEARCH RETURN (UPDATE ALL) UNSEEN")
    assert heard[0].endswith("UID ALL 1:3")
    other = await house.login(BEN, select=INBOX)
    await other.ok("STORE 2 +FLAGS (\\Seen)")
    await cleo.ok("STORE 3 +FLAGS (\\Seen)")
    assert next(line for line in await ben.ok("NOOP") if "ESEARCH" in line).endswith("REMOVEFROM (0 2)")
    assert "UID REMOVEFROM (0 1)" in "".join(await ben.ok("STORE 1 +FLAGS.SILENT (\\Seen)") + await ben.ok("NOOP"))
    await other.ok("STORE 2 -FLAGS (\\Seen)")
    assert "UID ADDTO (0 2)" in "".join(await ben.ok("NOOP"))


# -- who is told of it ---------------------------------------------------------------------------------------------


async def test_his_other_sessions_are_told_and_nobody_else(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "", "")
    other = await house.login(BEN, select=INBOX)
    for client in (anna, ben, cleo, other):
        await client.ok("NOOP")
    await ben.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    assert await told(other) == ["* 2 FETCH (UID 2 FLAGS (\\Seen))"]
    assert (await told(anna), await told(cleo), await told(ben)) == ([], [], [])
    await ben.ok("STORE 1 FLAGS.SILENT (\\Seen \\Flagged)")
    assert await told(ben) == []  # its own, whole
    assert [("\\Seen" in line, "\\Flagged" in line) for line in await told(other)] == [(True, True)]
    assert await told(anna) == await told(cleo) == ["* 1 FETCH (UID 1 FLAGS (\\Flagged))"]


async def test_idle(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "", "")
    other = await house.login(BEN, select=INBOX)
    waiting = (anna, cleo, other)
    for client in waiting:
        client.send(b"i IDLE\r\n")
        while not (await client.hear()).startswith("+"):
            pass
    await ben.ok("FETCH 1 (BODY[])")
    await ben.ok("STORE 2 +FLAGS (\\Answered)")
    heard = [await client.hear() for client in waiting]
    assert ["* 2 FETCH" in line for line in heard] == [True, True, False]
    assert "* 1 FETCH" in heard[2] and "\\Seen" in heard[2]
    assert "* 2 FETCH" in await other.hear()
    for client in waiting:
        client.send(b"DONE\r\n")
        assert len(await client.answers("i")) == 1


async def test_notify(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "", "")
    await ben.ok("UNSELECT")
    await ben.ok(f"NOTIFY SET (MAILBOXES {INBOX} (MessageNew MessageExpunge FlagChange))")
    await cleo.ok("STORE 1 +FLAGS (\\Seen)")
    other = await house.login(BEN, select=INBOX)
    await other.ok("STORE 2 +FLAGS (\\Seen)")
    assert (await ben.hear()).startswith(f"* STATUS {INBOX} (MESSAGES 2 UIDNEXT 3 ")
    await anna.append("INBOX", MAIL, "(\\Seen)")
    assert (await ben.hear()).endswith(" UNSEEN 2)")
    await cleo.ok("NOOP")
    await cleo.ok("STORE 3 +FLAGS (\\Seen)")
    assert await ben.ok("NOOP") == []


# -- MODSEQ --------------------------------------------------------------------------------------------------------


async def modseqs(client: Client) -> list[int]:
    heard = await client.ok("FETCH 1:* (MODSEQ)")
    return [int(line.split("MODSEQ (")[1].split(")")[0]) for line in heard if "FETCH (MODSEQ" in line]


async def test_condstore(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house, "", "", "")
    before = max(await modseqs(anna))
    heard = await ben.ok(f"STORE 2 (UNCHANGEDSINCE {before}) +FLAGS (\\Seen)")
    after = (await modseqs(cleo))[1]
    assert after > before and f"FLAGS (\\Seen) MODSEQ ({after})" in heard[-1]
    # RFC 7162 §3.1.4.1: by the MODSEQ, with the flags of whoever asks
    for client, has_it in ((anna, False), (ben, True), (cleo, False)):
        (line,) = await client.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {before})")
        assert line.startswith("* 2 FETCH") and ("\\Seen" in line) == has_it
    *_, last = await cleo.do(f"STORE 1:2 (UNCHANGEDSINCE {before}) +FLAGS (\\Seen)")
    assert "[MODIFIED 2]" in last
    assert ["\\Seen" in f for f in await flags(cleo)] == [True, False, False]
    (line,) = await cleo.ok(f"SEARCH UNSEEN MODSEQ {after}")
    assert line == f"* SEARCH 2 (MODSEQ {after})"


async def test_qresync(house: ImapHouse) -> None:
    anna, ben, _ = await three(house, "", "", "\\Seen")
    heard = await ben.ok(f"SELECT {INBOX} (CONDSTORE)")
    known = next(line.split()[3].rstrip("]") for line in heard if "HIGHESTMODSEQ" in line)
    validity = next(line.split()[3].rstrip("]") for line in heard if "UIDVALIDITY" in line)
    await ben.close()
    house.clients.remove(ben)
    other = await house.login(BEN, select=INBOX)
    await other.ok("STORE 3 +FLAGS (\\Seen)")
    await anna.ok("STORE 1 +FLAGS (\\Seen \\Flagged)")
    again = await house.login(BEN)
    await again.ok("ENABLE QRESYNC")
    heard = await again.ok(f"SELECT {INBOX} (QRESYNC ({validity} {known}))")
    fetched = [line for line in heard if " FETCH " in line]
    assert [("\\Seen" in line, "\\Flagged" in line) for line in fetched] == [(False, True), (True, False)]


# -- carried along -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
async def test_within_the_owners_tree(house: ImapHouse, verb: str) -> None:
    anna, ben, cleo = await three(house, "\\Seen", "", "")
    await anna.ok("CREATE Done")
    for name in (BEN, CLEO):
        await anna.ok(f"SETACL Done {name} lrswipkxte")
    await ben.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    await cleo.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
    await ben.ok(f"{verb} 1:3 {DONE}")
    for client, name, seen in ((anna, "Done", [1]), (ben, DONE, [2]), (cleo, DONE, [3])):
        await client.ok(f"SELECT {name}")
        assert [n for n, f in enumerate(await flags(client), 1) if "\\Seen" in f] == seen


async def test_who_may_not_keep_it_has_not_seen_the_copy(house: ImapHouse) -> None:
    """RFC 4314 §4: without "s" the copy is there, and has no \\Seen of his; that of others is not his to set."""
    anna, ben, cleo = await three(house, "\\Seen")
    await ben.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    await cleo.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    await anna.ok("CREATE Done")
    await anna.ok(f"SETACL Done {BEN} lri")
    await anna.ok(f"SETACL Done {CLEO} lrs")
    await ben.ok(f"COPY 1 {DONE}")
    for client, name, has_it in ((anna, "Done", True), (ben, DONE, False), (cleo, DONE, True)):
        await client.ok(f"SELECT {name}")
        assert ["\\Seen" in f for f in await flags(client)] == [has_it]
    await ben.ok("FETCH 1 (BODY[])")
    assert await flags(ben) == [""]


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
async def test_over_the_border(house: ImapHouse, verb: str) -> None:
    anna, ben, cleo = await three(house, "\\Seen", "")
    await ben.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    await ben.ok(f"{verb} 1:2 INBOX")
    await ben.ok("SELECT INBOX")
    assert ["\\Seen" in f for f in await flags(ben)] == [False, True]
    assert await counted(ben, "INBOX") == "UNSEEN 1"
    await anna.ok("CREATE Done")
    for name in (BEN, CLEO):
        await anna.ok(f"SETACL Done {name} lrswipkxte")
    await ben.ok(f"{verb} 1:2 {DONE}")
    for client, name, seen in ((anna, "Done", []), (ben, DONE, [2]), (cleo, DONE, [])):
        await client.ok(f"SELECT {name}")
        assert [n for n, f in enumerate(await flags(client), 1) if "\\Seen" in f] == seen


async def test_append(house: ImapHouse) -> None:
    anna, ben, cleo = await three(house)
    assert (await ben.append(INBOX, MAIL, "(\\Seen \\Flagged)")).startswith("OK")
    for client, has_it in ((anna, False), (ben, True), (cleo, False)):
        await client.ok("NOOP")
        assert [("\\Seen" in f, "\\Flagged" in f) for f in await flags(client)] == [(has_it, True)]
    assert (await counted(anna, "INBOX"), await counted(ben)) == ("UNSEEN 1", "UNSEEN 0")


async def test_replace(house: ImapHouse) -> None:
    _, ben, cleo = await three(house, "\\Seen")
    heard = await ben.do(f"REPLACE 1 {INBOX} (\\Seen) {{{len(MAIL)}+}}\r\n".encode() + MAIL)
    assert heard[-1].startswith("OK")
    assert await flags(ben) == ["\\Seen"]
    await cleo.ok("NOOP")
    assert await flags(cleo) == [""]
