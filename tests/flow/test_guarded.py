"""Rights that are taken away in the moment of a write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from posthaus.flow import access, guarded
from posthaus.flow.access import Access
from posthaus.mail.flag import FLAGGED
from posthaus.mail.rights import ALL, LOOKUP
from posthaus.store import acl, message
from posthaus.store.acl import Mode
from posthaus.store.drivers.postgres import PostgresStore
from posthaus.store.flag import Edit
from posthaus.store.flag import Mode as Flags
from posthaus.store.message import Draft, Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person

Write = Callable[[Store, Person, Person, Access], Awaitable[Any]]


async def _store(store: Store, anna: Person, ben: Person, _: Access) -> None:
    await store.write(guarded.store, ben.id, anna.id, anna.inbox, [(1, 1)], Edit(Flags.ADD, FLAGGED), NOW)


async def _expunge(store: Store, anna: Person, ben: Person, _: Access) -> None:
    await store.write(guarded.expunge, ben.id, anna.id, anna.inbox, [(1, 1)], NOW)


async def _take(store: Store, anna: Person, ben: Person, _: Access) -> None:
    own = await store.read(access.by_id, ben.id, ben.inbox)
    await store.write(guarded.copy, ben.id, anna.id, anna.inbox, [(1, 1)], own, NOW, move=True, room=0)


async def _give(store: Store, anna: Person, ben: Person, there: Access) -> None:
    draft = Draft(made_up("new"), Placing(anna.id, anna.inbox, 0), NOW)
    await store.write(guarded.append, there, [draft], NOW)


@pytest.mark.parametrize("write", [_store, _expunge, _take, _give])
async def test_a_write_waits_for_those_who_change_the_rights(store: Store, write: Write) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(acl.change_rights, anna.id, anna.inbox, ben.id, Mode.REPLACE, ALL, NOW)
    there = await store.read(access.by_id, ben.id, anna.inbox)
    writing: list[asyncio.Task[Any]] = []

    async def take_away(tx: Tx) -> None:
        await acl.change_rights(tx, anna.id, anna.inbox, ben.id, Mode.REPLACE, LOOKUP, NOW)
        writing.append(asyncio.ensure_future(write(store, anna, ben, there)))
        while isinstance(store, PostgresStore):  # until it waits for us; SQLite has one writer
            row = await tx.one("SELECT count(*) FROM pg_locks WHERE NOT granted")
            assert row is not None
            if row[0]:
                return

    await store.write(take_away)
    with pytest.raises(access.NotAllowed):
        await writing[0]
