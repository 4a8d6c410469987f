"""ESEARCH over several mailboxes."""

import re

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

ANSWER = re.compile(r'\* ESEARCH \(TAG "t\d+" MAILBOX (\S+) UIDVALIDITY \d+\) UID (.*)')


async def filled(house: ImapHouse) -> Client:
    client = await house.login()
    for n, name in enumerate(("INBOX", "a", "a/b", "a/b/c", "d"), 1):
        if name != "INBOX":
            await client.ok(f"CREATE {name}")
        for _ in range(n):
            await client.append(name, f"Subject: {name}\r\n\r\nword\r\n".encode(), "(own)" if name == "d" else "")
    await client.ok("SUBSCRIBE a/b")
    return client


async def found(client: Client, command: str) -> dict[str, str]:
    told = {}
    for line in await client.ok(command):
        m = ANSWER.fullmatch(line)
        assert m is not None, line
        told[m[1]] = m[2]
    return told


@pytest.mark.parametrize(
    ("sources", "wanted"),
    [  # RFC 7377 §2.2
        ("personal", {"INBOX": "1", "a": "2", "a/b": "3", "a/b/c": "4", "d": "5"}),
        ("subtree a", {"a": "2", "a/b": "3", "a/b/c": "4"}),
        ("subtree-one a", {"a": "2", "a/b": "3"}),
        ("subscribed", {"INBOX": "1", "a/b": "3"}),
        ("mailboxes (d nowhere) mailboxes d", {"d": "5"}),
        ("selected mailboxes d", {"d": "5", "a": "2"}),
        ("selected subtree a", {"a": "2", "a/b": "3", "a/b/c": "4"}),
    ],
)
async def test_sources(house: ImapHouse, sources: str, wanted: dict[str, str]) -> None:
    client = await filled(house)
    await client.ok("SELECT a")
    told = await found(client, f"ESEARCH IN ({sources}) RETURN (COUNT) BODY word")
    assert told == {name: f"COUNT {count}" for name, count in wanted.items()}


async def test_each_mailbox_by_itself(house: ImapHouse) -> None:
    client = await filled(house)
    assert await found(client, "ESEARCH IN (personal) SUBJECT a/b") == {"a/b": "ALL 1:3", "a/b/c": "ALL 1:4"}
    assert await found(client, "ESEARCH IN (personal) KEYWORD own") == {"d": "ALL 1:5"}  # a bit of each mailbox's own
    assert await found(client, "ESEARCH IN (subtree a) RETURN (PARTIAL -1:-2) ALL") == {
        "a": "PARTIAL (-1:-2 1:2)",
        "a/b": "PARTIAL (-1:-2 2:3)",
        "a/b/c": "PARTIAL (-1:-2 3:4)",
    }
    assert "MODSEQ" in (await found(client, "ESEARCH IN (mailboxes d) MODSEQ 1"))["d"]


async def test_only_of_the_selected_mailbox(house: ImapHouse) -> None:
    # RFC 7377 §2.1
    client = await filled(house)
    assert (await client.do("ESEARCH ALL"))[-1].startswith("BAD")
    await client.ok("SELECT a/b")
    for command in ("ESEARCH IN (personal) RETURN (SAVE) ALL", "ESEARCH IN (personal) $", "ESEARCH IN (subtree a) 1"):
        assert (await client.do(command))[-1].startswith("BAD")
    assert await found(client, "ESEARCH RETURN (SAVE ALL) 2:3") == {"a/b": "ALL 2:3"}
    assert await found(client, "ESEARCH IN (selected) $") == {"a/b": "ALL 2:3"}
    told, *answers = await client.ok("ESEARCH IN (personal) RETURN (UPDATE COUNT) ALL")
    assert "[NOUPDATE " in told
    assert len(answers) == 5


async def test_names_in_utf8_for_who_reads_it(house: ImapHouse) -> None:
    client = await house.login(rev2=True)
    await client.ok('CREATE "Entwürfe"')
    await client.append('"Entwürfe"', b"Subject: x\r\n\r\n.\r\n")
    (line,) = await client.ok("ESEARCH IN (personal) ALL")
    assert 'MAILBOX "Entwürfe" ' in line
