"""From one schema to the next: what was written before is all there, and workers that have it open go on.

Each number of the schema but the last is a store that some release left behind. It is filled, then opened by this
release, which migrates it, while the one who filled it still has it open: a worker that drains.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from posthaus.mail.flag import DELETED, SEEN
from posthaus.store import account, change, fetch, flag, mailbox, message, migrate
from posthaus.store.flag import Edit, Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Databases, Listener, Person, Storehouse, made_up

Migrations = list[tuple[int, list[str]]]
ALL = migrate.migrations(migrate.SQLITE)


def _up_to(last: int) -> Callable[[dict[str, str]], Migrations]:
    known = migrate.migrations
    return lambda names: [m for m in known(names) if m[0] <= last]


@pytest.fixture(params=["sqlite", "postgres"])
async def empty_house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storehouse]:
    """Without a schema yet."""
    url = "sqlite:"
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    here = Storehouse(request.param, url, tmp_path / "store")
    yield here
    assert await here.close() == []


async def _check_nothing(tx: Tx, account: int) -> None:
    """A release before 13 asked for octets only; those who fill the store here have no quota."""


async def _account(tx: Tx) -> Person:
    """As the first release wrote it: what makes an account today knows of columns that came later."""
    await tx.run("INSERT INTO domain (name, catch_all, created) VALUES ('a.example', '', 0)")
    made = await tx.one(
        "INSERT INTO account (key, address, domain, inbox, modseq, uidvalidity, quota_octets, used_octets,"
        " used_messages, credential_version, state, created)"
        " VALUES ('anna@a.example', 'anna@a.example', 'a.example', 0, 1, 2, 0, 0, 0, 1, 0, 0) RETURNING id"
    )
    assert made is not None
    ids = []
    for uidvalidity, name in enumerate(("INBOX", "Old"), 1):
        row = await tx.one(
            "INSERT INTO mailbox (account, name, uidvalidity, uidnext, modseq, total, unseen, deleted, size,"
            " recent_from, unseen_from, special_use, state) VALUES ($1, $2, $3, 1, 1, 0, 0, 0, 0, 1, 1, '', 0)"
            " RETURNING id",
            made[0], name, uidvalidity,
        )  # fmt: skip
        assert row is not None
        ids.append(row[0])
    await tx.run("UPDATE account SET inbox=$1", ids[0])
    return Person(made[0], ids[0], "anna@a.example")


async def _fill(store: Store) -> Person:
    anna = await store.write(_account)
    for number in range(4):
        await store.write(message.append, made_up(f"mail {number}"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(flag.store, anna.id, anna.inbox, [(2, 3)], Edit(Mode.ADD, SEEN, ("word",)), NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(4, 4)], NOW, only_deleted=False)
    return anna


async def _subjects(store: Store, anna: Person) -> list[str]:
    return [row[0] for row in await store.read(fetch.placements, anna.inbox, 1, 99, ("subject",), 99)]


@pytest.mark.parametrize("number", [number for number, _ in ALL[:-1]])
async def test_a_store_of_before(empty_house: Storehouse, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(migrate, "migrations", _up_to(number))
        if number < 13:
            before.setattr(account, "check_quota", _check_nothing)
        old = await empty_house.open()
        anna = await _fill(old)
    new = await empty_house.open()
    assert await _subjects(new, anna) == ["mail 0", "mail 1", "mail 2"]
    assert (await new.read(account.get, anna.id)).used_messages == 3
    assert [one.name for one in await new.read(mailbox.listing, anna.id)] == ["INBOX", "Old"]

    # the old worker serves on, and each hears of what the other writes
    ear, other = Listener(old, anna.id), Listener(new, anna.id)
    await new.write(message.append, made_up("from the new"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await ear.hear()
    assert (await _subjects(old, anna))[-1] == "from the new"
    await old.write(message.append, made_up("from the old"), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await old.write(flag.store, anna.id, anna.inbox, [(1, 1)], Edit(Mode.ADD, DELETED), NOW)
    await old.write(message.expunge, anna.id, anna.inbox, [(1, 99)], NOW, only_deleted=True)
    await other.hear()
    assert await _subjects(new, anna) == ["mail 1", "mail 2", "from the new", "from the old"]
    assert await new.read(change.since, anna.id, 0)
    ear.close()
    other.close()


async def test_a_store_of_a_later_release_is_left_alone(
    empty_house: Storehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await empty_house.open()
    with monkeypatch.context() as before:
        before.setattr(migrate, "migrations", _up_to(ALL[-2][0]))
        with pytest.raises(migrate.SchemaNewer, match=f"schema {ALL[-1][0]}"):
            await empty_house.open()
