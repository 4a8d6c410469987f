"""SORT and THREAD against a plain model, and what is odd in mail."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from posthaus.flow.orders import Orders
from posthaus.flow.sortfact import Keeper
from posthaus.proto.imap.command import SortKey
from posthaus.serve.imap import sortorder, sortread
from posthaus.serve.imap.sortorder import in_pieces
from posthaus.store import sortfact
from posthaus.testing.imaphouse import Client, ImapHouse

SEED = 5_957


def mail(subject: str = "", *, sender: str = "", to: str = "", cc: str = "", date: str = "", size: int = 0) -> bytes:
    fields = {"Subject": subject, "From": sender, "To": to, "Cc": cc, "Date": date}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return (head + "\r\n" + "x" * size + "\r\n").encode()


async def sorted_by(client: Client, keys: str, *, uid: bool = False) -> list[int]:
    (line,) = await client.ok(f"{'UID ' if uid else ''}SORT ({keys}) UTF-8 ALL")
    assert line.startswith("* SORT")
    return [int(word) for word in line.split()[2:]]


async def filled(house: ImapHouse, *messages: bytes) -> Client:
    client = await house.login()
    for octets in messages:
        await client.append("INBOX", octets)
    await client.ok("SELECT INBOX")
    return client


async def test_each_key(house: ImapHouse) -> None:
    client = await filled(
        house,
        mail("Re: b", sender="Zoe <anna@x.example>", to="c@x.example", date="Mon, 5 Jan 2026 10:00:00 +0200", size=30),
        mail("[list] B", sender="=?utf-8?q?=C3=84nna?= <zoe@x.example>", to="B@x.example", cc="z@x", size=10),
        mail("a", sender="bert@x.example", date="Mon, 5 Jan 2026 09:30:00 +0000", size=20),
        mail("", date="not a date"),
    )
    assert await sorted_by(client, "SUBJECT") == [4, 3, 1, 2]  # without what is before and behind it
    assert await sorted_by(client, "FROM") == [4, 1, 3, 2]  # by mailbox, not by name
    assert await sorted_by(client, "DISPLAYFROM") == [4, 2, 3, 1]  # no name: the address
    assert await sorted_by(client, "TO") == [3, 4, 2, 1]
    assert await sorted_by(client, "REVERSE CC") == [2, 1, 3, 4]
    assert (await sorted_by(client, "DATE"))[:2] == [2, 4]  # without a date that can be read: when it came
    assert (await sorted_by(client, "DATE"))[2:] == [1, 3]
    assert await sorted_by(client, "ARRIVAL") == [1, 2, 3, 4]
    assert await sorted_by(client, "REVERSE ARRIVAL") == [1, 2, 3, 4]  # all came at once: the order of the mailbox


async def test_letters_come_before_signs_and_groups_have_names(house: ImapHouse) -> None:
    client = await filled(
        house,
        mail("^caret", to="undisclosed-recipients:;"),
        mail("Zebra", to="Friends: zoe@x.example, ann@x.example;"),
        mail("[only a blob]", to="bert@x.example"),
        mail("zebras", to='"Yan" <yan@x.example>'),
    )
    assert await sorted_by(client, "SUBJECT") == [2, 4, 3, 1]  # RFC 5051 §2: compared as capitals
    assert await sorted_by(client, "TO") == [3, 2, 1, 4]  # RFC 9051 §7.5.2: addr-mailbox is the group's name
    assert await sorted_by(client, "DISPLAYTO") == [3, 2, 1, 4]


async def test_several_keys_as_a_model_says(house: ImapHouse) -> None:
    chance = random.Random(SEED)
    rows = [(chance.choice("abc"), chance.choice("xyz"), chance.randint(1, 3) * 10) for _ in range(60)]
    client = await filled(house, *[mail(s, sender=f"{f}@x.example", size=n) for s, f, n in rows])
    for _ in range(30):
        keys = chance.sample(range(3), chance.randint(1, 3))
        flips = [chance.random() < 0.5 for _ in keys]
        wanted = list(range(60))
        for at, flip in reversed(list(zip(keys, flips, strict=True))):
            wanted.sort(key=lambda n, at=at: rows[n][at], reverse=flip)  # type: ignore[misc]
        names = ["SUBJECT", "FROM", "SIZE"]
        asked = " ".join(("REVERSE " if flip else "") + names[at] for at, flip in zip(keys, flips, strict=True))
        assert await sorted_by(client, asked) == [n + 1 for n in wanted], asked


def test_many_are_put_in_order_by_pieces() -> None:
    chance = random.Random(SEED)
    values = [chance.randrange(1_000) for _ in range(130_000)]
    for n in (0, 1, 20_000, 20_001, 130_000):
        order = list(range(n))
        for reverse in (False, True):
            wanted = sorted(order, key=values.__getitem__, reverse=reverse)
            assert in_pieces(order, values.__getitem__, reverse=reverse) == wanted


async def append_many(client: Client, messages: list[bytes]) -> None:
    for n, octets in enumerate(messages):
        client.send(b"p%d APPEND INBOX {%d+}\r\n%b\r\n" % (n, len(octets), octets))
    await client.answers(f"p{len(messages) - 1}")


async def test_what_was_put_in_order_is_remembered(house: ImapHouse) -> None:
    """A part of it, one message more, some less: the order is that of the truth each time."""
    chance = random.Random(SEED)
    client, other = await house.login(), await house.login()
    sizes = [chance.randrange(5, 50) for _ in range(1_100)]
    await append_many(client, [mail("x", size=n) for n in sizes])
    await client.ok("SELECT INBOX")
    await client.ok("STORE 1:300 +FLAGS.SILENT (\\Seen)")
    there = list(range(1, 1_101))

    def wanted(uids: list[int]) -> list[int]:
        return sorted(uids, key=lambda uid: sizes[uid - 1])

    for _ in range(4):
        (line,) = await client.ok("UID SORT (SIZE) UTF-8 UNSEEN")
        assert [int(word) for word in line.split()[2:]] == wanted([uid for uid in there if uid > 300])
        (line,) = await client.ok("UID SORT (SIZE) UTF-8 ALL")
        assert [int(word) for word in line.split()[2:]] == wanted(there)
        (line,) = await client.ok("UID SORT (SIZE) UTF-8 SEEN UID 5:30")
        assert [int(word) for word in line.split()[2:]] == wanted([uid for uid in there if 5 <= uid <= 30])
        assert house.site.orders.order(1, (SortKey(b"SIZE"),)) is not None
        # one more and one less
        sizes.append(chance.randrange(5, 50))
        await other.append("INBOX", mail("x", size=sizes[-1]))
        gone = there.pop(chance.randrange(len(there)))
        there.append(len(sizes))
        await client.ok("NOOP")
        await client.ok(f"UID STORE {gone} +FLAGS.SILENT (\\Deleted)")
        await client.ok(f"UID EXPUNGE {gone}")
    assert await sorted_by(client, "SIZE") == [there.index(uid) + 1 for uid in wanted(there)]


async def test_threads_are_remembered_for_the_same_messages(house: ImapHouse) -> None:
    client = await filled(house, mail("a"), mail("b"), mail("Re: a"))
    for _ in range(2):
        assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 3)(2)"]
        assert await client.ok("UID THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 3)(2)"]
        assert await client.ok("THREAD REFERENCES UTF-8 ALL") == ["* THREAD (1 3)(2)"]
    await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 UNDELETED") == ["* THREAD (1 3)"]
    await client.ok("EXPUNGE")
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 2)"]
    assert await client.ok("UID THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 3)"]
    await client.append("INBOX", mail("Re: a"))
    await client.ok("NOOP")
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 (2)(3))"]


async def test_others_expunge_what_is_put_in_order(house: ImapHouse) -> None:
    client = await filled(house, mail("b"), mail("a"), mail("c"))
    other = await house.login(select="INBOX")
    await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await other.ok("EXPUNGE")
    lines = await client.ok("SORT (SUBJECT) UTF-8 ALL")  # the number 2 still counts, and nothing is found there
    assert "* SORT 1 3" in lines


async def test_uids_and_what_is_found(house: ImapHouse) -> None:
    client = await filled(house, *[mail(word) for word in ("c", "b", "a")])
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    assert await sorted_by(client, "SUBJECT", uid=True) == [3, 2]
    assert await client.ok("SORT (SUBJECT) UTF-8 SUBJECT b") == ["* SORT 1"]
    assert await client.ok("SORT (SUBJECT) UTF-8 SUBJECT nothing") == ["* SORT"]
    assert await client.ok("UID THREAD REFERENCES UTF-8 ALL") == ["* THREAD (2)(3)"]
    *_, line = await client.ok("SORT (SUBJECT) UTF-8 MODSEQ 1")
    assert line.startswith("* SORT 2 1 (MODSEQ ")
    await client.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 2")
    assert await client.ok("SEARCH $") == ["* SEARCH 2"]


async def test_many_messages_are_put_in_order_beside_the_loop(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sortorder, "_IN_THREAD", 2_000)
    client = await house.login()
    await append_many(client, [mail("x")] * 2_100)
    await client.ok("SELECT INBOX")
    assert await sorted_by(client, "REVERSE SUBJECT DATE") == list(range(1, 2_101))
    (line,) = await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL")
    assert line.startswith("* THREAD (1 (2)(3)(4)")


# -- what is kept --------------------------------------------------------------------------------------------------

ALL_KEYS = ("ARRIVAL", "DATE", "SIZE", "SUBJECT", "FROM", "TO", "CC", "DISPLAYFROM", "DISPLAYTO")


def any_mail(chance: random.Random) -> bytes:
    people = ["Zoe <anna@x.example>", "bert@x.example", "=?utf-8?q?=C3=84nna?= <zoe@x.example>", "Friends:;", ""]
    return mail(
        chance.choice(["Re: b", "[list] B", "a", "", "Grüße"]),
        sender=chance.choice(people),
        to=chance.choice(people),
        cc=chance.choice(people),
        date=chance.choice(["Mon, 5 Jan 2026 10:00:00 +0200", "Mon, 5 Jan 2026 09:30:00 +0000", "not a date"]),
        size=chance.randrange(40),
    )


async def test_what_is_kept_says_what_the_messages_say(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that are kept, one that is lacking, one that is not whole; all, some, and after an expunge by others."""
    monkeypatch.setattr(sortfact, "SIZE", 16)
    monkeypatch.setattr(sortfact, "FEWEST", 2)
    monkeypatch.setattr(sortread, "_PIECES", 3)
    monkeypatch.setattr(sortread, "_BATCH", 20)
    monkeypatch.setattr(sortread, "_WORTH_UNPACKING", 4)
    chance = random.Random(SEED)
    client, other = await house.login(), await house.login()
    await append_many(client, [any_mail(chance) for _ in range(150)])
    await client.ok("SELECT INBOX")
    await other.ok("SELECT INBOX")
    searches = ["ALL", "1:20", "UID 30:90", "SEEN", "UNSEEN", "UID 3,17,18,40:44,100"]
    asked = [
        f"UID SORT ({' '.join(chance.choice(['', 'REVERSE ']) + name for name in names)}) UTF-8 {search}"
        for names in [*[[name] for name in ALL_KEYS], *[chance.sample(ALL_KEYS, 3) for _ in range(10)]]
        for search in searches
    ]

    async def answers() -> list[list[str]]:
        said = []
        for command in asked:
            monkeypatch.setattr(Orders, "order", lambda *_: None)  # as the first time
            said.append(await client.ok(command))
        return said

    await client.ok("STORE 20:33,60:70,120:150 +FLAGS.SILENT (\\Seen)")
    before = await answers()
    assert await Keeper(house.store, house.clock, "w1").round() == 9
    await house.store.write(sortfact.forget, [(1, 4)])
    unpacked: list[Any] = []
    monkeypatch.setattr(sortread, "_unpacked", spied(sortread._unpacked, unpacked))
    assert await answers() == before
    assert len(unpacked) > len(asked)
    await other.ok("UID STORE 4,35:37,130 +FLAGS.SILENT (\\Deleted)")
    await other.ok("EXPUNGE")
    await client.ok("NOOP")
    after = await answers()
    await house.store.write(sortfact.forget, [(1, piece) for piece in range(9)])
    assert await answers() == after


def spied(work: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    def called(*args: Any) -> Any:
        calls.append(args)
        return work(*args)

    return called
