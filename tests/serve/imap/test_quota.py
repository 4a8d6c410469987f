"""GETQUOTA and GETQUOTAROOT: what an account may hold, and what it holds."""

from posthaus.base.limit import MAILBOXES_PER_ACCOUNT
from posthaus.testing.imaphouse import ImapHouse

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
