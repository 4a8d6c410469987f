"""SEARCH against a naive model: random trees of keys over random mail, nested and negated as they come."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

MESSAGES = 60
TREES = 500
DAY_S = 86_400
BEGIN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Junk", "own")


@dataclass
class Mail:
    uid: int
    octets: int
    flags: set[str]
    received: int
    sent_day: int | None
    subject: str
    odd: str
    body: str


Test = Callable[[Mail], bool]
Key = tuple[str, Test]


def make(rnd: random.Random, uid: int) -> tuple[Mail, bytes, str]:
    subject, odd = " ".join(rnd.sample(WORDS, 2)), rnd.choice(WORDS)
    body = " ".join(rnd.choices(WORDS, k=rnd.randrange(1, 4))) + "\r\n" + "x" * rnd.randrange(200)
    sent = rnd.choice([None, rnd.randrange(10)])
    date = "" if sent is None else f"Date: {sent + 1} Jan 2026 23:59:00 {rnd.choice(['+1400', '-1200', '+0000'])}\r\n"
    text = f"Subject: {subject}\r\n{date}X-Odd: {odd}\r\n\r\n{body}"
    received = BEGIN + rnd.randrange(10 * DAY_S)
    flags = set(rnd.sample(FLAGS, rnd.randrange(4)))
    at = datetime.fromtimestamp(received, UTC).strftime("%d-%b-%Y %H:%M:%S +0000")
    mail = Mail(uid, len(text), flags, received, sent, subject, odd, body)
    return mail, text.encode(), f'({" ".join(flags)}) "{at}"'


def flag_leaf(rnd: random.Random) -> Key:
    flag = rnd.choice(FLAGS)
    if flag.startswith("\\"):
        name, unwanted = flag[1:].upper(), rnd.random() < 0.5
        return ("UN" if unwanted else "") + name, lambda m: (flag in m.flags) != unwanted
    name = rnd.choice([flag, "unheard"])
    return f"KEYWORD {name}", lambda m: name in m.flags


def date_leaf(rnd: random.Random) -> Key:
    day, order = rnd.randrange(-1, 12), rnd.choice(["BEFORE", "ON", "SINCE"])
    compare: Callable[[int], bool] = {
        "BEFORE": lambda d: d < day,
        "ON": lambda d: d == day,
        "SINCE": lambda d: d >= day,
    }[order]
    text = datetime.fromtimestamp(BEGIN + day * DAY_S, UTC).strftime("%d-%b-%Y")
    if rnd.random() < 0.5:
        return f"SENT{order} {text}", lambda m: m.sent_day is not None and compare(m.sent_day)
    return f"{order} {text}", lambda m: compare((m.received - BEGIN) // DAY_S)


def leaf(rnd: random.Random, mails: list[Mail]) -> Key:
    word = rnd.choice(WORDS)
    size = rnd.choice(mails).octets + rnd.randrange(-1, 2)
    low, high = sorted(rnd.sample(range(1, MESSAGES + 5), 2))
    uids = rnd.sample(range(1, MESSAGES + 5), 4)
    known = [m.uid for m in mails]
    now, seconds = BEGIN, rnd.randrange(1, 10 * DAY_S)
    options: list[Key] = [
        ("ALL", lambda m: True),
        (f"LARGER {size}", lambda m: m.octets > size),
        (f"SMALLER {size}", lambda m: m.octets < size),
        (f"{low}:{high}", lambda m: low <= known.index(m.uid) + 1 <= high),
        (f"UID {','.join(map(str, uids))}", lambda m: m.uid in uids),
        (f"UID {high}:{low}", lambda m: low <= m.uid <= high),
        ("*", lambda m: m.uid == known[-1]),
        (f"SUBJECT {word}", lambda m: word in m.subject),
        (f"HEADER X-Odd {word[:3]}", lambda m: word[:3] in m.odd),
        (f"BODY {word}", lambda m: word in m.body),
        (f"TEXT {word}", lambda m: word in m.body or word in m.subject or word in m.odd),
        (f"YOUNGER {seconds}", lambda m: m.received >= now - seconds),
        (f"OLDER {seconds}", lambda m: m.received < now - seconds),
        date_leaf(rnd),
        flag_leaf(rnd),
        flag_leaf(rnd),
    ]
    return rnd.choice(options)


def tree(rnd: random.Random, mails: list[Mail], depth: int) -> Key:
    kind = rnd.choice(["leaf", "not", "or", "and"]) if depth else "leaf"
    if kind == "leaf":
        return leaf(rnd, mails)
    first, test = tree(rnd, mails, depth - 1)
    if kind == "not":
        return f"NOT {first}", lambda m: not test(m)
    second, other = tree(rnd, mails, depth - 1)
    if kind == "or":
        return f"OR {first} {second}", lambda m: test(m) or other(m)
    return f"({first} {second})", lambda m: test(m) and other(m)


async def found(client: Client, keys: str) -> list[int]:
    (line,) = await client.ok(f"UID SEARCH {keys}")
    return [int(uid) for uid in line.split()[2:]]


@pytest.mark.parametrize("seed", range(6))
async def test_against_the_model(house: ImapHouse, seed: int) -> None:
    rnd = random.Random(seed)
    client = await house.login(select="INBOX")
    mails = []
    for uid in range(1, MESSAGES + 1):
        mail, octets, options = make(rnd, uid)
        await client.append("INBOX", octets, options)
        mails.append(mail)
    gone = sorted(rnd.sample(range(1, MESSAGES + 1), 12))
    await client.ok(f"UID STORE {','.join(map(str, gone))} +FLAGS.SILENT (\\Deleted)")
    await client.ok(f"UID EXPUNGE {','.join(map(str, gone))}")
    mails = [m for m in mails if m.uid not in gone]
    for _ in range(TREES):
        chosen = [tree(rnd, mails, rnd.randrange(5)) for _ in range(rnd.randrange(1, 4))]
        keys = " ".join([text for text, _ in chosen])
        expected = [m.uid for m in mails if all(test(m) for _, test in chosen)]
        assert await found(client, keys) == expected, keys
