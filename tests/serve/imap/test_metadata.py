"""GETMETADATA, SETMETADATA, and who hears of it."""

import pytest

from posthaus.base import limit
from posthaus.store import annotation
from posthaus.testing.imaphouse import ImapHouse

COMMENT = "/private/comment"


@pytest.mark.parametrize("name", ['""', "INBOX", "Entw&APw-rfe"])
async def test_set_and_get(house: ImapHouse, name: str) -> None:
    client = await house.login()
    await client.ok("CREATE Entw&APw-rfe")
    await client.ok(f'SETMETADATA {name} ({COMMENT} "hello" /private/Vendor/X {{3+}}\r\na\r\n)')
    assert await client.ok(f"GETMETADATA {name} ({COMMENT} /PRIVATE/vendor/x)") == [
        f'* METADATA {name} ({COMMENT} "hello" /PRIVATE/vendor/x {{3}}\r\na\r\n)'
    ]
    await client.ok(f"SETMETADATA {name} ({COMMENT} NIL)")
    assert await client.ok(f"GETMETADATA {name} {COMMENT}") == [f"* METADATA {name} ({COMMENT} NIL)"]


async def test_octets_that_only_a_literal8_can_carry(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok(b"SETMETADATA INBOX (/private/x ~{3+}\r\na\0\xff)")
    assert await client.ok("GETMETADATA INBOX /private/x") == ["* METADATA INBOX (/private/x ~{3}\r\na\0\udcff)"]


async def test_the_name_is_the_mailboxs(house: ImapHouse) -> None:
    client = await house.login(rev2=True)
    await client.ok('CREATE "Entwürfe"')
    assert await client.ok('GETMETADATA "Entwürfe" /private/x') == ['* METADATA "Entwürfe" (/private/x NIL)']
    assert await client.ok("GETMETADATA inbox /private/x") == ["* METADATA INBOX (/private/x NIL)"]


async def test_one_account_sees_nothing_of_another(house: ImapHouse) -> None:
    anna, ben = await house.login(), await house.login("ben@example.test")
    await anna.ok('SETMETADATA "" (/private/x "1")')
    await anna.ok('SETMETADATA INBOX (/shared/x "1")')
    assert await ben.ok('GETMETADATA "" /private/x') == ['* METADATA "" (/private/x NIL)']
    assert await ben.ok("GETMETADATA INBOX /shared/x") == ["* METADATA INBOX (/shared/x NIL)"]


async def test_depth_names_each_once(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok('SETMETADATA INBOX (/private/a "1" /private/a/b "2")')
    assert await client.ok("GETMETADATA (DEPTH infinity) INBOX (/private/A /private)") == [
        '* METADATA INBOX (/private/A "1" /private/a/b "2")'
    ]
    assert await client.ok("GETMETADATA (DEPTH 1) INBOX /private") == ['* METADATA INBOX (/private/a "1")']
    assert await client.ok("GETMETADATA (DEPTH 1) INBOX /shared") == []


async def test_the_house_says_who_its_admin_is(house: ImapHouse) -> None:
    client = await house.login()
    mailto = '"mailto:postmaster@example.test"'
    assert await client.ok('GETMETADATA "" /shared/admin') == [f'* METADATA "" (/shared/admin {mailto})']
    assert await client.ok('GETMETADATA (DEPTH 1) "" /shared') == [f'* METADATA "" (/shared/admin {mailto})']
    await house.store.write(annotation.put_shared, "/shared/admin", b"tel:+1")
    await house.store.write(annotation.put_shared, "/shared/comment", b"closed on Sunday")
    assert await client.ok('GETMETADATA (DEPTH infinity) "" /shared') == [
        '* METADATA "" (/shared/admin "tel:+1" /shared/comment "closed on Sunday")'
    ]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('SETMETADATA "" (/shared/admin "mailto:me@example.test")', "NO [NOPERM]"),
        ('SETMETADATA "" (/shared/filters/values/x "ALL")', "NO [NOPERM]"),
        ('SETMETADATA INBOX (/comment "x")', "NO [CANNOT]"),
        ('SETMETADATA INBOX (/private "x")', "NO [CANNOT]"),
        ('SETMETADATA None (/private/x "x")', "NO [NONEXISTENT]"),
        ("GETMETADATA None /private/x", "NO [NONEXISTENT]"),
        ('SETMETADATA INBOX (/private/specialuse "\\\\Trash")', "NO [USEATTR]"),
        ('SETMETADATA Sent (/private/specialuse "\\\\Flagged")', "NO [USEATTR]"),
        ('SETMETADATA Sent (/private/specialuse "\\\\Trash")', "NO [USEATTR]"),
        ('SETMETADATA "" (/private/filters/values/a/b "ALL")', "NO [CANNOT]"),
        ('SETMETADATA "" (/private/filters/values/a "ALL ALLES")', "NO [CANNOT]"),
        ('SETMETADATA "" (/private/filters/values/a {10+}\r\nSEEN\r\nSEEN)', "NO [CANNOT]"),
    ],
)
async def test_what_is_refused(house: ImapHouse, command: str, answer: str) -> None:
    client = await house.login()
    await client.ok("CREATE Sent (USE (\\Sent))")
    await client.ok("CREATE Bin (USE (\\Trash))")
    assert (await client.do(command))[-1].startswith(answer)
    assert await client.ok("GETMETADATA (DEPTH infinity) INBOX (/private /shared)") == []


async def test_all_or_nothing(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await house.login()
    long = "x" * (limit.ANNOTATION_OCTETS + 1)
    answer = await client.do(f'SETMETADATA INBOX (/private/a "1" /private/b {{{len(long)}+}}\r\n{long})')
    assert answer[-1].startswith(f"NO [METADATA MAXSIZE {limit.ANNOTATION_OCTETS}]")
    monkeypatch.setattr(limit, "ANNOTATIONS", 1)
    answer = await client.do('SETMETADATA INBOX (/private/a "1" /private/b "2")')
    assert answer[-1].startswith("NO [METADATA TOOMANY]")
    assert await client.ok("GETMETADATA (DEPTH 1) INBOX /private") == []


async def test_rename_takes_them_along_and_delete_takes_them_away(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE Old")
    await client.ok('SETMETADATA Old (/private/x "1")')
    await client.ok("RENAME Old New")
    assert await client.ok("GETMETADATA New /private/x") == ['* METADATA New (/private/x "1")']
    await client.ok("DELETE New")
    await client.ok("CREATE New")
    assert await client.ok("GETMETADATA New /private/x") == ["* METADATA New (/private/x NIL)"]


async def test_a_mailbox_that_is_below_nothing_has_none(house: ImapHouse) -> None:
    client = await house.login()
    for command in ("CREATE a/b", 'SETMETADATA a (/private/x "1")', "DELETE a"):
        await client.ok(command)
    assert (await client.do("GETMETADATA a /private/x"))[-1].startswith("NO [NONEXISTENT]")
    assert await client.ok('LIST "" (INBOX a*) RETURN (METADATA (/private/x))') == [
        '* LIST (\\HasNoChildren) "/" INBOX',
        "* METADATA INBOX (/private/x NIL)",
        '* LIST (\\NonExistent \\Noselect \\HasChildren) "/" a',
        '* LIST (\\HasNoChildren) "/" a/b',
        "* METADATA a/b (/private/x NIL)",
    ]


async def test_list_tells_status_and_metadata(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE Bin (USE (\\Trash))")
    returns = "RETURN (METADATA (/private/SpecialUse /private/x) STATUS (MESSAGES))"
    assert await client.ok(f'LIST "" Bin {returns}') == [
        '* LIST (\\HasNoChildren \\Trash) "/" Bin',
        "* STATUS Bin (MESSAGES 0)",
        '* METADATA Bin (/private/SpecialUse "\\\\Trash" /private/x NIL)',
    ]


async def test_only_who_asked_for_it_hears_of_others(house: ImapHouse) -> None:
    writer = await house.login(select="INBOX")
    deaf, other = await house.login(select="INBOX"), await house.login()
    await other.ok("CREATE Elsewhere")
    await other.ok("ENABLE METADATA")
    await other.ok("SELECT Elsewhere")
    await writer.ok("ENABLE METADATA")
    await writer.ok('SETMETADATA INBOX (/private/a "1" /shared/b NIL)')
    await writer.ok('SETMETADATA INBOX (/private/c "1")')
    assert await writer.ok("NOOP") == []
    assert await deaf.ok("NOOP") == []
    assert await other.ok("NOOP") == ["* METADATA INBOX /private/a /shared/b /private/c"]
    assert await other.ok("NOOP") == []


async def test_an_idle_session_hears_at_once(house: ImapHouse) -> None:
    writer, other = await house.login(), await house.login()
    await other.ok("ENABLE METADATA")
    await other.ok("SELECT INBOX")
    other.send(b"i IDLE\r\n")
    assert await other.hear() == "+ idling"
    await writer.ok('SETMETADATA "" (/private/a "1")')
    assert await other.hear() == '* METADATA "" /private/a'
    other.send(b"DONE\r\n")
    assert (await other.answers("i"))[-1].startswith("i OK")


async def test_nothing_is_told_of_a_mailbox_that_is_gone(house: ImapHouse) -> None:
    writer, other = await house.login(), await house.login()
    await other.ok("ENABLE METADATA")
    await other.ok("SELECT INBOX")
    for command in ("CREATE Short", 'SETMETADATA Short (/private/a "1")', "DELETE Short"):
        await writer.ok(command)
    assert await other.ok("NOOP") == []


async def test_notify_tells_of_the_mailboxes_that_are_asked_for(house: ImapHouse) -> None:
    # RFC 5465 §5.6, §5.7
    writer, hears = await house.login(), await house.login()
    for command in ("CREATE a/b", "CREATE c"):
        await writer.ok(command)
    await hears.ok("NOTIFY SET (SUBTREE a (MailboxMetadataChange)) (PERSONAL (ServerMetadataChange))")
    await writer.ok('SETMETADATA c (/private/x "1")')
    await writer.ok('SETMETADATA a/b (/private/x "1")')
    assert await hears.hear() == "* METADATA a/b /private/x"
    await writer.ok('SETMETADATA "" (/private/y "1")')
    assert await hears.hear() == '* METADATA "" /private/y'
    await hears.ok("ENABLE METADATA")
    await hears.ok("SELECT c")
    await writer.ok('SETMETADATA c (/private/x "2")')
    assert await hears.ok("NOOP") == []


async def test_annotations_raise_no_highestmodseq(house: ImapHouse) -> None:
    client, other = await house.login(), await house.login()
    await client.ok("ENABLE QRESYNC METADATA")
    await client.ok("SELECT INBOX")
    before = await client.ok("STATUS INBOX (HIGHESTMODSEQ)")
    await other.ok('SETMETADATA INBOX (/private/x "1")')
    assert await client.ok("NOOP") == ["* METADATA INBOX /private/x"]
    assert await client.ok("STATUS INBOX (HIGHESTMODSEQ)") == before
    modseq = before[0].rpartition("HIGHESTMODSEQ ")[2].rstrip(")")
    assert (await client.do("EXPUNGE"))[-1].startswith(f"OK [HIGHESTMODSEQ {modseq}]")
