"""What SORT looks at is kept beside the mail, and says what the messages say."""

import random
from dataclasses import replace
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.flow.sortfact import Keeper
from posthaus.mail import structure
from posthaus.mail.prepare import prepare
from posthaus.mail.sortfact import COLUMNS, NUMBERS, TEXTS, columns_of, facts
from posthaus.mail.uidset import Ranges, iterate
from posthaus.store import blob, lease, message, rescan, search, sortfact
from posthaus.store.error import Locked
from posthaus.store.message import Content, Placing
from posthaus.store.store import Store
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import NOW, Person, person

NAMES = (*NUMBERS, *TEXTS)
SIZE = 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sortfact, "SIZE", SIZE)
    monkeypatch.setattr(sortfact, "FEWEST", 3)
    monkeypatch.setattr(limit, "REST_LEAST_S", 0.0)


def made(chance: random.Random) -> Content:
    octets = (
        f"Subject: {chance.choice(['Re: Grüße', 'b', '', '[list] A'])}\r\n"
        f"From: {chance.choice(['Zoe <a@x.example>', '=?utf-8?q?=C3=84nna?= <z@x.example>', 'Friends:;', ''])}\r\n"
        f"Date: {chance.choice(['Mon, 5 Jan 2026 10:00:00 +0200', 'never'])}\r\n\r\n{'x' * chance.randrange(30)}\r\n"
    ).encode()
    p = prepare(octets)
    return Content(p, b"", octets[: p.head_octets], octets[p.head_octets :], blob.PLAIN)


async def keep(store: Store, who: Person, count: int, chance: random.Random) -> None:
    for _ in range(count):
        await store.write(message.append, made(chance), Placing(who.id, who.inbox, 0), NOW - chance.randrange(9), NOW)


def keeper(store: Store, clock: JumpClock | None = None, owner: str = "w1") -> Keeper:
    return Keeper(store, clock or JumpClock(NOW, frozen=True), owner)


async def kept(store: Store, mailbox: int) -> dict[int, tuple[Ranges, bytes]]:
    return await store.read(sortfact.read, mailbox, 0, 1_000)


async def test_pieces_say_what_their_messages_say(store: Store) -> None:
    chance = random.Random(5_256)
    anna, ben = await person(store, "anna"), await person(store, "ben")
    one = keeper(store)
    assert await one.round() == 0
    await keep(store, anna, 3 * SIZE, chance)
    await keep(store, ben, SIZE - 2, chance)  # not whole
    await store.write(message.expunge, anna.id, anna.inbox, [(3, 5), (SIZE, 2 * SIZE - 3)], NOW, only_deleted=False)
    assert await one.round() == 3
    assert await one.round() == 0
    pieces = await kept(store, anna.inbox)
    assert list(pieces) == [0, 2]  # of the other one too few are there
    for piece, (uids, packed) in pieces.items():
        columns = columns_of(NAMES)
        all_of_it = [(piece * SIZE, (piece + 1) * SIZE - 1)]
        rows = await store.read(search.wide, anna.inbox, all_of_it, ("uid", *columns))
        assert list(iterate(uids)) == [row[0] for row in rows]
        for name in NAMES:
            of_it: list[list[Any]] = [[row[1 + columns.index(c)] for row in rows] for c in COLUMNS[name]]
            assert list(sortfact.unpack(packed, name)) == list(facts(name, of_it))
    await keep(store, ben, 2, chance)
    assert await one.round() == 1
    assert list(await kept(store, ben.inbox)) == [0]


async def test_one_that_fails_goes_behind_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    for who in (anna, ben):
        await keep(store, who, SIZE, random.Random(1))
    join = sortfact.join

    def fail(columns: Any) -> bytes:
        monkeypatch.setattr(sortfact, "join", join)
        raise ValueError("a column that cannot be packed")

    monkeypatch.setattr(sortfact, "join", fail)
    clock = JumpClock(NOW, frozen=True)
    one = keeper(store, clock)
    with pytest.raises(ValueError, match="cannot be packed"):
        await one.round()
    assert await one.round() == 1
    assert list(await kept(store, ben.inbox)) == [0]
    clock.jump(limit.SORTFACT_LATER_S)
    assert await one.round() == 1
    assert list(await kept(store, anna.inbox)) == [0]


async def test_all_mailboxes_have_their_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "SORTFACT_LOOK_MAILBOXES", 2)
    people = [await person(store, name) for name in ("anna", "ben", "carl")]
    await keep(store, people[2], SIZE, random.Random(1))
    one = keeper(store)
    assert [await one.round() for _ in range(4)] == [0, 1, 0, 0]
    await keep(store, people[0], SIZE, random.Random(1))
    assert [await one.round() for _ in range(2)] == [1, 0]


async def test_one_worker_of_all_makes_them(store: Store) -> None:
    anna = await person(store, "anna")
    await keep(store, anna, SIZE, random.Random(1))
    await store.write(lease.take, lease.SORTFACT, "w2/sortfact", NOW * 1000, NOW * 1000 + 1000)
    clock = JumpClock(NOW, frozen=True)
    one = keeper(store, clock)
    with pytest.raises(Locked):
        await one.round()
    assert await kept(store, anna.inbox) == {}
    clock.jump(2.0)  # it has died
    assert await one.round() == 1
    assert await store.read(lease.owners) == []


async def test_messages_of_an_older_scan_are_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = await person(store, "anna")
    await keep(store, anna, 2 * SIZE, random.Random(1))
    monkeypatch.setattr(structure, "VERSION", structure.VERSION + 1)
    clock = JumpClock(NOW, frozen=True)
    one = keeper(store, clock)
    assert await one.round() == 0
    for number in range(1, SIZE):
        row = await store.read(search.wide, anna.inbox, [(number, number)], ("message",))
        prepared = replace(prepare(b"Subject: s\r\n\r\n"), version=structure.VERSION)
        await store.write(rescan.renew, row[0][0], prepared)
    assert await one.round() == 0
    clock.jump(limit.SORTFACT_LATER_S + 1)
    assert await one.round() == 1
    assert list(await kept(store, anna.inbox)) == [0]


async def test_what_has_gone_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "SORTFACT_LOOK_PIECES", 1)
    anna = await person(store, "anna")
    await keep(store, anna, 3 * SIZE, random.Random(1))
    clock = JumpClock(NOW, frozen=True)
    one = keeper(store, clock)
    assert await one.round() == 3
    await store.write(message.expunge, anna.id, anna.inbox, [(SIZE, 2 * SIZE - 4)], NOW, only_deleted=False)
    assert await one.clean() == 0  # not yet
    clock.jump(limit.SORTFACT_CLEAN_S + 1)
    assert await one.clean() == 1
    assert await one.round() == 1
    assert (await kept(store, anna.inbox))[1][0] == [(2 * SIZE - 3, 2 * SIZE - 1)]
    assert await one.clean() == 0
