"""Searches that are kept up: a client that does as it is told has the results that a new search gives."""

import random
import re

import pytest

from posthaus.base import limit
from posthaus.testing.imaphouse import Client, ImapHouse

SEED = 5_267
UPDATE = re.compile(r"(ADDTO|REMOVEFROM) \(([^)]*)\)")


def mail(subject: str) -> bytes:
    return f"Subject: {subject}\r\n\r\n.\r\n".encode()


def numbers(text: str) -> list[int]:
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


class Follower:
    """What RFC 5267 §4.3.3 and §4.3.4 want of a client."""

    def __init__(self, results: list[int], *, is_sorted: bool) -> None:
        self.results = results
        self.is_sorted = is_sorted

    def hear(self, line: str) -> None:
        for word, pairs in UPDATE.findall(line):
            words = pairs.split()
            for position, uids in zip(map(int, words[::2]), map(numbers, words[1::2]), strict=True):
                assert (position > 0) == self.is_sorted
                if word == "ADDTO":
                    at = position - 1 if position else len(self.results)
                    self.results[at:at] = uids
                elif position:
                    assert self.results[position - 1 : position - 1 + len(uids)] == uids
                    del self.results[position - 1 : position - 1 + len(uids)]
                else:
                    for uid in uids:
                        self.results.remove(uid)
        if not self.is_sorted:
            self.results.sort()


async def results(client: Client, command: str) -> list[int]:
    (line,) = [line for line in await client.ok(command) if "ESEARCH" in line and "TO " not in line]
    found = re.search(r" ALL (\S+)", line)
    return numbers(found[1]) if found else []


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        ("UID SEARCH RETURN (UPDATE ALL) {}", "UID SEARCH RETURN (ALL) {}"),
        (
            "UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT ARRIVAL) UTF-8 {}",
            "UID SORT RETURN (ALL) (REVERSE SUBJECT ARRIVAL) UTF-8 {}",
        ),
    ],
)
@pytest.mark.parametrize("what", ["UNFLAGGED", "NOT (FLAGGED SUBJECT a)", "KEYWORD own", "OR SUBJECT b SEEN"])
async def test_as_a_new_search_would_say(house: ImapHouse, begin: str, again: str, what: str) -> None:
    chance = random.Random(SEED)
    other = await house.login()
    for _ in range(12):
        await other.append("INBOX", mail(chance.choice("abc")))
    await other.ok("SELECT INBOX")
    client = await house.login(select="INBOX")
    follower = Follower(await results(client, begin.format(what)), is_sorted="SORT" in begin)
    for _ in range(60):
        doer = chance.choice([client, other])
        uid = chance.randint(1, 25)
        act = chance.choice(["new", "flag", "flag", "flag", "expunge"])
        if act == "new":
            await other.append("INBOX", mail(chance.choice("abc")))
        elif act == "flag":
            flag = chance.choice(["\\Flagged", "\\Seen", "own"])
            for line in await doer.ok(f"UID STORE {uid} {chance.choice('+-')}FLAGS.SILENT ({flag})"):
                if doer is client:
                    follower.hear(line)
        else:
            await other.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            await other.ok("EXPUNGE")
        for line in await client.ok("NOOP"):
            follower.hear(line)
        assert follower.results == await results(client, again.format(what))


async def test_message_numbers_hold_where_they_are_told(house: ImapHouse) -> None:
    # RFC 5267 §4.3.2, §4.3.4: removed before the EXPUNGE, added after the EXISTS
    client = await house.login()
    for _ in range(3):
        await client.append("INBOX", mail("x"), "(\\Deleted)")
    await client.ok("SELECT INBOX")
    await client.ok("SEARCH RETURN (UPDATE) SUBJECT x")
    heard = await client.ok("UID EXPUNGE 1:2")
    assert heard == ['* ESEARCH (TAG "t6") REMOVEFROM (0 1:2)', "* 2 EXPUNGE", "* 1 EXPUNGE"]
    other = await house.login()
    await other.append("INBOX", mail("x"))
    assert await client.ok("NOOP") == ["* 2 EXISTS", "* 2 RECENT", '* ESEARCH (TAG "t6") ADDTO (0 2)']


async def test_attributes_of_what_comes_in(house: ImapHouse) -> None:
    # RFC 5465 §7: EXISTS, FETCH, ESEARCH; and no FETCH for a change of flags
    other = await house.login()
    await other.append("INBOX", mail("boss"), "(\\Seen)")
    client = await house.login(select="INBOX")
    await client.ok("UID SEARCH RETURN (UPDATE (RFC822.SIZE)) UNSEEN SUBJECT boss")
    await other.append("INBOX", mail("boss"))
    await other.append("INBOX", mail("other"))
    assert await client.ok("NOOP") == [
        "* 3 EXISTS",
        "* 3 RECENT",
        "* 2 FETCH (UID 2 RFC822.SIZE 20)",
        '* ESEARCH (TAG "t3") UID ADDTO (0 2)',
    ]
    assert await client.ok("STORE 1 -FLAGS.SILENT (\\Seen)") == ['* ESEARCH (TAG "t3") UID ADDTO (0 1)']


async def test_told_while_nothing_is_asked(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    await client.ok("UID SEARCH RETURN (UPDATE) ALL")
    await client.ok("NOTIFY SET (SELECTED (MessageNew MessageExpunge))")
    other = await house.login()
    await other.append("INBOX", mail("x"))
    heard = [await client.hear() for _ in range(3)]
    assert heard == ["* 1 EXISTS", "* 1 RECENT", '* ESEARCH (TAG "t3") UID ADDTO (0 1)']


@pytest.mark.parametrize(("name", "most"), [("IMAP_CONTEXTS", 1), ("IMAP_CONTEXT_RESULTS", 3)])
async def test_too_many(house: ImapHouse, monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    # RFC 5267 §4.3.1
    client = await house.login()
    for _ in range(2):
        await client.append("INBOX", mail("x"))
    await client.ok("SELECT INBOX")
    monkeypatch.setattr(limit, name, most)
    await client.ok("UID SEARCH RETURN (UPDATE) ALL")
    *heard, told = await client.ok("UID SEARCH RETURN (UPDATE COUNT) ALL")
    assert heard == ['* ESEARCH (TAG "t6") UID COUNT 2']
    assert told.startswith('* NO [NOUPDATE "t6"] ')
    await client.ok('CANCELUPDATE "t5"')
    assert await client.ok("UID SEARCH RETURN (UPDATE) ALL") == ['* ESEARCH (TAG "t8") UID']


async def test_one_that_grows_too_large_ends(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await house.login(select="INBOX")
    monkeypatch.setattr(limit, "IMAP_CONTEXT_RESULTS", 1)
    await client.ok("UID SEARCH RETURN (UPDATE) ALL")
    other = await house.login()
    for _ in range(2):
        await other.append("INBOX", mail("x"))
    assert (await client.ok("NOOP"))[-1].startswith('* NO [NOUPDATE "t3"] ')
    assert (await client.do('CANCELUPDATE "t3"'))[-1].startswith("BAD")


async def test_ends_with_the_mailbox(house: ImapHouse) -> None:
    client = await house.login(select="INBOX")
    await client.ok("UID SEARCH RETURN (UPDATE) ALL")
    await client.ok("EXAMINE INBOX")
    await client.append("INBOX", mail("x"))
    assert not [line for line in await client.ok("NOOP") if "ESEARCH" in line]
