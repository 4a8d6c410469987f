"""SEARCH says the same without the index, with half of the mail in it, and with all of it."""

import itertools
import random

from posthaus.flow.index import Indexer
from posthaus.store.tx import Tx
from posthaus.testing.imaphouse import Client, ImapHouse

WORDS = ("apple", "Banane", "CHERRY", "größe", "straße", "日本語", "per%cent", "in voice", "a b", "ab", "x")
MESSAGES = 60
SEED = 20_261


def _mail(chance: random.Random) -> bytes:
    subject, body, inner = (" ".join(chance.choices(WORDS, k=chance.randint(0, 3))) for _ in range(3))
    kind = chance.choice(("text/plain", "text/html"))
    body = f"<p>{body.replace(' ', '<br>')}</p>" if kind == "text/html" else body
    return (
        f"From: {chance.choice(WORDS[:2])} <{chance.choice('abc')}@a.example>\r\nSubject: {subject}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n"
        f"--xx\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}\r\n"
        f"--xx\r\nContent-Type: text/plain; charset=utf-8; name={chance.choice('pqr')}.txt\r\n\r\n{inner}\r\n--xx--\r\n"
    ).encode()


def _key(chance: random.Random, depth: int = 0) -> str:
    word = chance.choice(WORDS)
    leaf = chance.choice(("BODY", "TEXT", "SUBJECT", "FROM", "HEADER Content-Type", "HEADER Subject"))
    if depth > 2 or chance.random() < 0.5:
        some = chance.choice(("SEEN", "1:30", "LARGER 250", f'{leaf} "{word}"', f'{leaf} "{word}"', f'{leaf} "{word}"'))
        return some
    first, second = _key(chance, depth + 1), _key(chance, depth + 1)
    return chance.choice((f"NOT ({first})", f"OR ({first}) ({second})", f"({first} {second})"))


async def _answers(client: Client, keys: list[str]) -> list[str]:
    found = []
    for key in keys:
        octets = key.encode()
        found += await client.ok(b"SEARCH CHARSET UTF-8 " + octets)
    return found


async def test_the_same_with_and_without(house: ImapHouse) -> None:
    chance = random.Random(SEED)
    client = await house.login()
    for number in range(MESSAGES):
        await client.append("INBOX", _mail(chance), "(\\Seen)" if number % 3 else "")
    await client.ok("SELECT INBOX")
    keys = [f'{leaf} "{word}"' for leaf, word in itertools.product(("BODY", "TEXT", "SUBJECT", "FROM"), WORDS)]
    keys += [_key(chance) for _ in range(200)]

    plain = await _answers(client, keys)
    assert len({len(line) for line in plain}) > 20  # they tell messages apart
    indexer = Indexer(house.site.store, house.site.blobs, house.site.index, house.clock)
    assert await house.site.index.own()
    assert await indexer.round() == MESSAGES
    assert await _answers(client, keys) == plain

    more = [_mail(chance) for _ in range(10)]  # above what is in
    other = await house.login(select="INBOX")
    for octets in more:
        await other.append("INBOX", octets)
    await client.ok("NOOP")
    half = await _answers(client, keys)
    assert await indexer.round() == len(more)
    assert await _answers(client, keys) == half


SUBJECTS = (
    "Subject: the Quarterly report",
    "Subject: the\r\n quarterly report",
    "Subject: =?utf-8?q?the_quarterl?=\r\n =?utf-8?q?y_report?=",
    "Subject: the \uff31uarterly report",  # a wide Q
    "Subject: the yearly report\r\nSubject: the quarterly report",
    "Subject: Stra\u00dfe",
    "Subject:",
    "Comments: quarterly",
)
ASKED = [
    ('SUBJECT "quarterly"', "1 2 3 4 5"),
    ('HEADER Subject "the quarterly"', "1 2 3 4 5"),
    ('SUBJECT "yearly"', "5"),
    ('SUBJECT "STRAßE"', "6"),
    ('SUBJECT "report the"', ""),  # of two fields, or of two messages
    ('SUBJECT ""', "1 2 3 4 5 6 7"),
    ('NOT SUBJECT "quarterly"', "6 7 8"),
    ('OR SUBJECT "yearly" SUBJECT "straße"', "5 6"),
    ('SUBJECT "report" SUBJECT "yearly"', "5"),
    ('MODSEQ 1 SUBJECT "yearly"', "5 (MODSEQ 6)"),
]


async def test_subjects(house: ImapHouse) -> None:
    client = await house.login()
    for subject in SUBJECTS:
        await client.append("INBOX", f"{subject}\r\n\r\nbody\r\n".encode())
    await client.ok("SELECT INBOX")
    for keys, expected in ASKED:
        assert (await client.ok(f"SEARCH {keys}"))[-1] == f"* SEARCH {expected}".rstrip(), keys


async def test_little_is_read_for_a_rare_word(house: ImapHouse) -> None:
    """Of sixty messages one: the others' octets are not touched."""
    client = await house.login()
    for number in range(MESSAGES):
        await client.append("INBOX", f"Subject: x\r\n\r\nnumber {number:03}\r\n".encode())
    await client.ok("SELECT INBOX")
    await house.site.index.own()
    await Indexer(house.site.store, house.site.blobs, house.site.index, house.clock).round()
    await house.store.write(_lose_octets)
    assert await client.ok('SEARCH BODY "number 041"') == ["* SEARCH 42"]
    assert await client.ok('SEARCH NOT BODY "number 0"') == ["* SEARCH"]
    assert await client.ok("SEARCH BODY 17") == ["* SEARCH 18"]  # too short for the index; the texts are kept
    await house.store.write(_give_back)


async def test_an_index_that_is_begun_anew(house: ImapHouse) -> None:
    """Then all is read."""
    client = await house.login()
    for number in range(MESSAGES):
        await client.append("INBOX", f"Subject: x\r\n\r\nnumber {number:03}\r\n".encode())
    await client.ok("SELECT INBOX")
    await house.site.index.own()
    await Indexer(house.site.store, house.site.blobs, house.site.index, house.clock).round()
    await house.site.index.clear()
    assert await client.ok('SEARCH BODY "number 007"') == ["* SEARCH 8"]


async def _lose_octets(tx: Tx) -> None:
    await tx.run("UPDATE blob SET body=$1", b"Nothing. ")


async def _give_back(tx: Tx) -> None:
    """As long as they were, for the store must be sound at the end."""
    await tx.run("UPDATE blob SET body=$1", b"number 000\r\n")
