"""The view of deleted messages: read like any mailbox, changed by nobody, and COPY brings messages back."""

import pytest

from posthaus.flow.undelete import catch_up
from posthaus.serve.imap import deleted
from posthaus.store import account, undelete
from posthaus.store.error import StoreFull
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.imaphouse import NOW, Client, ImapHouse

VIEW = '"Deleted messages"'


def mail(n: int) -> bytes:
    return b"From: Ben <ben@example.test>\r\nSubject: mail %d\r\n\r\nbody %d\r\n" % (n, n)


async def thrown_away(house: ImapHouse, n: int = 3, *, rev2: bool = True) -> Client:
    """INBOX is selected; it had so many messages, and all but the last are deleted."""
    client = await house.login(rev2=rev2)
    for i in range(1, n + 1):
        await client.append("INBOX", mail(i), "(\\Flagged work)" if i == 1 else "")
    await client.ok("SELECT INBOX")
    await client.ok(f"STORE 1:{n - 1} +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    return client


async def test_it_is_listed_before_anybody_looked(house: ImapHouse) -> None:
    client = await house.login()
    line = f'* LIST (\\HasNoChildren \\Noinferiors) "/" {VIEW}'
    assert line in await client.ok('LIST "" *')
    assert await client.ok('LIST "" Del*') == [line]
    assert await client.ok('LIST "" Del* RETURN (STATUS (MESSAGES))') == [line, f"* STATUS {VIEW} (MESSAGES 0)"]
    assert await client.ok('LIST "" Del*') == [line]
    assert await client.ok('LSUB "" *') == ['* LSUB () "/" INBOX']


async def test_select_is_for_reading_only(house: ImapHouse) -> None:
    client = await thrown_away(house)
    for command in ("SELECT", "EXAMINE"):
        *heard, last = await client.do(f"{command} {VIEW}")
        assert last.startswith("OK [READ-ONLY]")
        assert "* 2 EXISTS" in heard and "* OK [PERMANENTFLAGS ()] Flags that stay" in heard
        assert any("UIDNEXT 3" in line for line in heard)
    assert await client.ok("FETCH 1:* (UID FLAGS BODY[HEADER.FIELDS (SUBJECT)])") == [
        "* 1 FETCH (UID 1 FLAGS (\\Flagged work) BODY[HEADER.FIELDS (SUBJECT)] {19}\r\nSubject: mail 1\r\n\r\n)",
        "* 2 FETCH (UID 2 FLAGS () BODY[HEADER.FIELDS (SUBJECT)] {19}\r\nSubject: mail 2\r\n\r\n)",
    ]
    assert await client.ok("FETCH 2 (BODY[TEXT] FLAGS)") == ["* 2 FETCH (BODY[TEXT] {8}\r\nbody 2\r\n FLAGS ())"]
    (found,) = await client.ok("SEARCH SUBJECT 2 TEXT body")
    assert found.endswith(" ALL 2")
    (found,) = await client.ok("SEARCH KEYWORD work")
    assert found.endswith(" ALL 1")


async def test_nothing_is_recent_for_rev1(house: ImapHouse) -> None:
    client = await thrown_away(house, rev2=False)
    assert "* 0 RECENT" in await client.ok(f"SELECT {VIEW}")


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (f"COPY 1 {VIEW}", "NO [CANNOT]"),
        (f"MOVE 1 {VIEW}", "NO [CANNOT]"),
        (f"RENAME {VIEW} Other", "NO [CANNOT]"),
        (f"RENAME INBOX {VIEW}", "NO [ALREADYEXISTS]"),
        (f"DELETE {VIEW}", "NO [CANNOT]"),
        (f"CREATE {VIEW}", "NO [ALREADYEXISTS]"),
        ('CREATE "Deleted messages/x"', "NO [CANNOT]"),
        (f"APPEND {VIEW} {{2+}}\r\nhi", "NO [CANNOT]"),
    ],
)
async def test_nothing_goes_in(house: ImapHouse, command: str, answer: str, looked_at: bool) -> None:
    client = await thrown_away(house)
    if looked_at:
        await client.ok(f"STATUS {VIEW} (MESSAGES)")
    assert (await client.do(command))[-1].startswith(answer)


@pytest.mark.parametrize("command", ["STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1"])
async def test_nothing_in_it_changes(house: ImapHouse, command: str) -> None:
    client = await thrown_away(house)
    await client.ok(f"SELECT {VIEW}")
    assert (await client.do(command))[-1].startswith("NO [NOPERM]")
    await client.ok("CLOSE")
    assert await client.ok(f"STATUS {VIEW} (MESSAGES)") == [f"* STATUS {VIEW} (MESSAGES 2)"]


@pytest.mark.parametrize("command", ["COPY", "MOVE", "UID COPY", "UID MOVE"])
async def test_copy_brings_back(house: ImapHouse, command: str) -> None:
    client, other = await thrown_away(house), await house.login(rev2=True, select="INBOX")
    await client.ok(f"SELECT {VIEW}")
    *heard, last = await client.do(f"{command} 1 INBOX")
    assert last.startswith("OK") and "* 1 EXPUNGE" in heard
    assert f"[COPYUID {NOW} 1 4]" in "".join([*heard, last])
    assert await other.ok("NOOP") == ["* 2 EXISTS"]
    assert await other.ok("FETCH 2 (UID FLAGS)") == ["* 2 FETCH (UID 4 FLAGS (\\Flagged work))"]
    number = 2 if command.startswith("UID") else 1
    assert "* 1 EXPUNGE" in await client.ok(f"{command} {number} INBOX")  # the other one
    assert await client.ok(f"STATUS {VIEW} (MESSAGES)") == [f"* STATUS {VIEW} (MESSAGES 0)"]
    await client.ok("UID COPY 1:2 INBOX")  # they are there already
    assert await other.ok("NOOP") == ["* 3 EXISTS"]


async def test_a_target_that_is_not_there(house: ImapHouse) -> None:
    client = await thrown_away(house)
    await client.ok(f"SELECT {VIEW}")
    assert (await client.do("COPY 1 New"))[-1].startswith("NO [TRYCREATE]")


async def test_an_open_view_hears_what_comes_and_goes(house: ImapHouse) -> None:
    client, other = await thrown_away(house), await house.login(rev2=True)
    await other.ok(f"SELECT {VIEW}")
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    await client.ok(f"STATUS {VIEW} (MESSAGES)")
    assert await other.ok("NOOP") == ["* 3 EXISTS"]
    owner = house.names.accounts["anna@example.test"]
    await house.store.write(undelete.bring_back, owner, [(2, 2)], NOW)  # as `posthaus undelete` does
    assert await other.ok("NOOP") == ["* 2 EXPUNGE"]
    assert await client.ok("NOOP") == ["* 1 EXISTS"]


async def test_uids_stay(house: ImapHouse) -> None:
    client = await thrown_away(house)
    before = await client.ok(f"STATUS {VIEW} (UIDVALIDITY UIDNEXT)")
    await client.ok("UNSELECT")
    assert await client.ok(f"STATUS {VIEW} (UIDVALIDITY UIDNEXT)") == before
    await client.ok("SELECT INBOX")
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("CLOSE")
    await client.ok("ENABLE QRESYNC")
    assert await client.ok(f"STATUS {VIEW} (UIDNEXT)") == [f"* STATUS {VIEW} (UIDNEXT 4)"]
    heard = await client.ok(f"SELECT {VIEW} (QRESYNC ({NOW + 1} 1))")
    assert [line for line in heard if "FETCH" in line][-1].startswith("* 3 FETCH (UID 3 ")


async def test_the_quota_does_not_count_it_and_is_asked(house: ImapHouse) -> None:
    await house.account(quota_octets=3 * len(mail(1)))
    client = await thrown_away(house)
    await client.ok(f"SELECT {VIEW}")
    for i in (7, 8):
        assert (await client.append("INBOX", mail(i))).startswith("OK")
    assert (await client.do("COPY 1 INBOX"))[-1].startswith("NO [OVERQUOTA]")
    assert await client.ok(f"STATUS {VIEW} (MESSAGES)") == [f"* STATUS {VIEW} (MESSAGES 2)"]


async def test_where_nothing_can_be_written(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(store: Store, owner: int, now: int) -> None:
        raise StoreFull

    client = await thrown_away(house)
    monkeypatch.setattr(deleted, "catch_up", full)
    assert len(await client.ok('LIST "" * RETURN (STATUS (MESSAGES))')) == 3
    assert (await client.do(f"SELECT {VIEW}"))[-1].startswith("NO [NONEXISTENT]")
    monkeypatch.undo()
    await client.ok(f"SELECT {VIEW}")
    monkeypatch.setattr(deleted, "catch_up", full)
    assert await client.ok(f"STATUS {VIEW} (MESSAGES)") == [f"* STATUS {VIEW} (MESSAGES 2)"]


async def test_a_mailbox_of_that_name_is_an_ordinary_one(house: ImapHouse) -> None:
    client = await house.login(rev2=True)
    owner = house.names.accounts["anna@example.test"]
    await client.ok("CREATE Other")

    async def rename(tx: Tx) -> None:
        await tx.run("UPDATE mailbox SET name='Deleted messages' WHERE account=$1 AND name='Other'", owner)

    await house.store.write(rename)
    assert (await client.append(VIEW, mail(1))).startswith("OK")
    assert (await client.do(f"SELECT {VIEW}"))[-1].startswith("OK [READ-WRITE]")
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    assert (await client.do('SELECT "Deleted messages (2)"'))[-1].startswith("OK [READ-ONLY]")
    assert len(await client.ok("FETCH 1 UID")) == 1
    await catch_up(house.store, owner, NOW)
    assert (await house.store.read(account.get, owner)).used_messages == 0
