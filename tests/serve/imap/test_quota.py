"""GETQUOTA, GETQUOTAROOT, SETQUOTA: what an account may hold, and what it holds."""

import pytest

from posthaus.base.limit import MAILBOXES_PER_ACCOUNT
from posthaus.serve.imap import copy
from posthaus.store import account
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\n" + b"x" * 1_100


async def test_without_a_quota_there_are_mailboxes_only(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("CREATE a/b")
    lines = ['* QUOTAROOT INBOX ""', f'* QUOTA "" (MAILBOX 3 {MAILBOXES_PER_ACCOUNT})']
    assert await client.ok("GETQUOTAROOT inbox") == lines


async def test_storage_counts_each_message_once(house: ImapHouse) -> None:
    await house.account(quota_octets=5_000)
    client = await house.login(select="INBOX")
    await client.append("INBOX", MAIL)
    await client.ok("COPY 1 INBOX")
    storage = f'* QUOTA "" (STORAGE 2 4 MAILBOX 1 {MAILBOXES_PER_ACCOUNT})'
    assert await client.ok('GETQUOTA ""') == [storage]
    assert (await client.append("INBOX", MAIL * 4)).startswith("NO [OVERQUOTA]")


async def test_names_are_in_the_client_s_own_writing(house: ImapHouse) -> None:
    client, modern = await house.login(), await house.login(rev2=True)
    await client.ok("CREATE &AOQ-")
    assert (await client.ok("GETQUOTAROOT &AOQ-"))[0] == '* QUOTAROOT &AOQ- ""'
    assert (await modern.ok('GETQUOTAROOT "ä"'))[0] == '* QUOTAROOT "ä" ""'


async def test_what_is_refused(house: ImapHouse) -> None:
    client = await house.login()
    for command, answer in (
        ("GETQUOTA other", "NO [NONEXISTENT]"),
        ("GETQUOTAROOT none", "NO [NONEXISTENT]"),
        ('SETQUOTA "" (STORAGE 512)', "NO [NOPERM]"),
        ('SETQUOTA "" STORAGE 512', "BAD"),
    ):
        assert (await client.do(command))[-1].startswith(answer)


async def test_a_message_counts_in_every_mailbox_that_has_it(house: ImapHouse) -> None:
    client = await _limited(house, messages=4)
    await client.ok("CREATE Other")
    for _ in range(2):
        await client.append("INBOX", MAIL)
    assert (await client.do("UID COPY 1:2 Other"))[-1].startswith("OK")
    assert await client.ok('GETQUOTA ""') == [f'* QUOTA "" (MESSAGE 4 4 MAILBOX 2 {MAILBOXES_PER_ACCOUNT})']
    assert (await client.append("INBOX", MAIL)).startswith("NO [OVERQUOTA]")
    assert (await client.do("COPY 1 Other"))[-1].startswith("NO [OVERQUOTA]")
    assert (await client.do("MOVE 1 Other"))[-1].startswith("OK")
    assert (await client.do(f"REPLACE 1 INBOX {{{len(MAIL)}+}}\r\n".encode() + MAIL))[-1].startswith("OK")


async def test_a_copy_is_of_all_or_none(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "_PIECE", 1)
    client = await _limited(house, messages=5)
    await client.ok("CREATE Other")
    for _ in range(3):
        await client.append("INBOX", MAIL)
    assert (await client.do("COPY 1:3 Other"))[-1].startswith("NO [OVERQUOTA]")
    assert "MESSAGES 0" in (await client.ok("STATUS Other (MESSAGES)"))[0]
    assert (await client.do("COPY 1:2 Other"))[-1].startswith("OK")


async def test_several_messages_of_one_append_are_counted_together(house: ImapHouse) -> None:
    client = await _limited(house, messages=1)
    both = b" ".join([b"{%d+}\r\n%b" % (len(MAIL), MAIL)] * 2)
    assert (await client.do(b"APPEND INBOX " + both))[-1].startswith("NO [OVERQUOTA]")
    assert "EXISTS" not in "".join(await client.ok("NOOP"))


async def test_deleted_messages_come_back_where_there_is_room(house: ImapHouse) -> None:
    client = await _limited(house, messages=1)
    await client.append("INBOX", MAIL)
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    await client.append("INBOX", MAIL)
    await client.ok('SELECT "Deleted messages"')
    assert (await client.do("COPY 1 INBOX"))[-1].startswith("NO [OVERQUOTA]")


async def _limited(house: ImapHouse, messages: int) -> Client:
    anna = await house.account()
    await house.store.write(account.set_quota, anna, 0, messages)
    return await house.login(select="INBOX")


async def test_an_administrator_sets_quotas(house: ImapHouse) -> None:
    await house.account("bob@example.test")
    await house.store.write(account.set_admin, await house.account(), True)
    admin, bob = await house.login(), await house.login("bob@example.test", select="INBOX")
    mailbox = f"MAILBOX 1 {MAILBOXES_PER_ACCOUNT}"
    told = await admin.ok("SETQUOTA bob@EXAMPLE.test (STORAGE 2 MESSAGE 1)")
    assert told == [f"* QUOTA bob@EXAMPLE.test (STORAGE 0 2 MESSAGE 0 1 {mailbox})"]
    assert (await bob.append("INBOX", MAIL * 2)).startswith("NO [OVERQUOTA]")
    assert (await bob.append("INBOX", MAIL)).startswith("OK")
    assert await bob.ok('GETQUOTA ""') == [f'* QUOTA "" (STORAGE 2 2 MESSAGE 1 1 {mailbox})']
    # what is not named has no limit any more
    assert await admin.ok("SETQUOTA bob@example.test (MESSAGE 9)") == [
        f"* QUOTA bob@example.test (MESSAGE 1 9 {mailbox})"
    ]
    assert await admin.ok('SETQUOTA "" ()') == [f'* QUOTA "" ({mailbox})']
    for command, answer in (
        ("SETQUOTA nobody@example.test (MESSAGE 9)", "NO [NONEXISTENT]"),
        ("SETQUOTA nobody (MESSAGE 9)", "NO [NONEXISTENT]"),
        ("GETQUOTA nobody@example.test", "NO [NONEXISTENT]"),
        ("SETQUOTA bob@example.test (MAILBOX 9)", "NO [CANNOT]"),
        ("SETQUOTA bob@example.test (MESSAGE 9 X-FILES 1)", "NO [CANNOT]"),
        ("SETQUOTA bob@example.test (MESSAGE 0)", "NO [CANNOT]"),
        ("SETQUOTA bob@example.test (STORAGE 0)", "NO [CANNOT]"),
        ("SETQUOTA bob@example.test (STORAGE 9223372036854775807)", "NO [CANNOT]"),
    ):
        assert (await admin.do(command))[-1].startswith(answer), command
    assert await admin.ok("GETQUOTA bob@example.test") == [f"* QUOTA bob@example.test (MESSAGE 1 9 {mailbox})"]
    assert [line for line in house.log if "imap.setquota" in line and "account=bob@example.test" in line]


async def test_nobody_else_learns_of_the_roots_of_others(house: ImapHouse) -> None:
    await house.account("bob@example.test")
    client = await house.login()
    assert (await client.do("GETQUOTA bob@example.test"))[-1].startswith("NO [NONEXISTENT]")
    assert (await client.do("SETQUOTA bob@example.test (MESSAGE 9)"))[-1].startswith("NO [NOPERM]")
    assert (await client.do('SETQUOTA "" ()'))[-1].startswith("NO [NOPERM]")
