"""LIST with all its options, and LSUB."""

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\nhello\r\n"


async def furnished(house: ImapHouse, *, rev2: bool = False) -> Client:
    """INBOX, Foo with Bar and Baz below, Gone as a name only, Sent; subscribed: Foo/Bar, Lost/Deep, Sent, INBOX."""
    client = await house.login(rev2=rev2)
    for command in (
        "CREATE Foo/Bar", "CREATE Foo/Baz", "CREATE Gone/Below", "DELETE Gone", "CREATE Sent (USE (\\Sent))",
        "SUBSCRIBE Foo/Bar", "SUBSCRIBE Lost/Deep", "SUBSCRIBE Sent",
    ):  # fmt: skip
        await client.ok(command)
    return client


VIEW = '* LIST (\\HasNoChildren \\Noinferiors) "/" "Deleted messages"'
INBOX = '* LIST (\\HasNoChildren) "/" INBOX'
FOO = '* LIST (\\HasChildren) "/" Foo'
BAR = '* LIST (\\HasNoChildren) "/" Foo/Bar'
BAZ = '* LIST (\\HasNoChildren) "/" Foo/Baz'
SENT = '* LIST (\\HasNoChildren \\Sent) "/" Sent'
BELOW = '* LIST (\\HasNoChildren) "/" Gone/Below'

CASES: list[tuple[str, list[str]]] = [
    ('LIST "" ""', ['* LIST (\\Noselect) "/" ""']),
    ('LIST "" %', [VIEW, FOO, '* LIST (\\Noselect \\HasChildren) "/" Gone', INBOX, SENT]),
    ('LIST "" *', [VIEW, FOO, BAR, BAZ, '* LIST (\\Noselect \\HasChildren) "/" Gone', BELOW, INBOX, SENT]),
    ("LIST Foo/ %", [BAR, BAZ]),
    ('LIST "" Foo/Ba%', [BAR, BAZ]),
    ('LIST "" inbox', [INBOX]),
    ('LIST "" foo', []),
    ('LIST "" (INBOX "Foo/*")', [BAR, BAZ, INBOX]),
    ('LIST "" ("")', []),
    ('LIST "" Foo/Bar RETURN (SUBSCRIBED)', ['* LIST (\\HasNoChildren \\Subscribed) "/" Foo/Bar']),
    ('LIST "" Gone RETURN (CHILDREN)', ['* LIST (\\NonExistent \\Noselect \\HasChildren) "/" Gone']),
    (
        'LIST (SUBSCRIBED) "" *',
        [
            '* LIST (\\HasNoChildren \\Subscribed) "/" Foo/Bar',
            '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX',
            '* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) "/" Lost/Deep',
            '* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent',
        ],
    ),
    (
        'LIST (SUBSCRIBED) "" %',
        ['* LIST (\\HasNoChildren \\Subscribed) "/" INBOX', '* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent'],
    ),
    (
        'LIST (SUBSCRIBED RECURSIVEMATCH) "" %',
        [
            '* LIST (\\HasChildren) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))',
            '* LIST (\\HasNoChildren \\Subscribed) "/" INBOX',
            '* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" Lost ("CHILDINFO" ("SUBSCRIBED"))',
            '* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent',
        ],
    ),
    ('LIST (SUBSCRIBED RECURSIVEMATCH) "" Foo*', ['* LIST (\\HasNoChildren \\Subscribed) "/" Foo/Bar']),
    ('LIST (SPECIAL-USE) "" *', [SENT]),
    ('LIST (SPECIAL-USE SUBSCRIBED) "" *', ['* LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent']),
    ('LIST (REMOTE) "" Sent', [SENT]),
    ('LIST "" Sent RETURN (SPECIAL-USE CHILDREN)', [SENT]),
    (
        'LIST "" (INBOX Gone) RETURN (STATUS (MESSAGES UNSEEN))',
        [
            '* LIST (\\NonExistent \\Noselect \\HasChildren) "/" Gone',
            INBOX,
            "* STATUS INBOX (MESSAGES 1 UNSEEN 1)",
        ],
    ),
    ('LSUB "" ""', []),
    (
        'LSUB "" *',
        [
            '* LSUB () "/" Foo/Bar',
            '* LSUB () "/" INBOX',
            '* LSUB (\\Noselect) "/" Lost/Deep',
            '* LSUB (\\Sent) "/" Sent',
        ],
    ),
    (
        'LSUB "" %',
        [
            '* LSUB (\\Noselect) "/" Foo',
            '* LSUB () "/" INBOX',
            '* LSUB (\\Noselect) "/" Lost',
            '* LSUB (\\Sent) "/" Sent',
        ],
    ),
    ("LSUB Foo/ %", ['* LSUB () "/" Foo/Bar']),
]


async def test_list(house: ImapHouse) -> None:
    client = await furnished(house)
    await client.append("INBOX", MAIL)
    for command, expected in CASES:
        assert await client.ok(command) == expected, command


async def test_recursivematch_needs_a_base(house: ImapHouse) -> None:
    client = await house.login()
    assert (await client.do('LIST (RECURSIVEMATCH) "" *'))[-1].startswith("BAD")


async def test_rev2_is_told_of_names_only(house: ImapHouse) -> None:
    client = await furnished(house, rev2=True)
    assert await client.ok('LIST "" Gone') == ['* LIST (\\NonExistent \\Noselect \\HasChildren) "/" Gone']
    assert await client.ok('LIST "" Foo/Bar') == [BAR]


@pytest.mark.parametrize(("rev2", "asked", "told"), [(False, "&AOQ-", "&AOQ-"), (True, '"ä"', '"ä"')])
async def test_names_beyond_ascii(house: ImapHouse, rev2: bool, asked: str, told: str) -> None:
    client = await house.login(rev2=rev2)
    await client.ok(f"CREATE {asked}")
    assert await client.ok(f'LIST "" {asked} RETURN (STATUS (MESSAGES))') == [
        f'* LIST (\\HasNoChildren) "/" {told}',
        f"* STATUS {told} (MESSAGES 0)",
    ]


async def test_a_subscription_of_inbox_in_any_case(house: ImapHouse) -> None:
    client = await house.login()
    await client.ok("UNSUBSCRIBE iNBoX")
    assert await client.ok('LSUB "" *') == []
