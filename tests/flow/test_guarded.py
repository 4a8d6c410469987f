"""Rights that are taken away in the moment of a write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from posthaus.flow import access, guarded
from posthaus.flow.access import Access
from posthaus.mail.flag import FLAGGED
from posthaus.mail.rights import ALL, LOOKUP
from posthaus.store import acl, mailbox, message
from posthaus.store.acl import Mode as Rights
from posthaus.store.drivers.postgres import PostgresStore
from posthaus.store.flag import Edit
from posthaus.store.flag import Mode as Flags
from posthaus.store.message import Draft, Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, made_up, person

Write = Callable[[Store, Person, Person, Access], Awaitable[Any]]


async def _store(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(guarded.store, ben.id, anna.id, there.box.id, [(1, 1)], Edit(Flags.ADD, FLAGGED), NOW)


async def _expunge(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(guarded.expunge, ben.id, anna.id, there.box.id, [(1, 1)], NOW)


async def _take(store: Store, anna: Person, ben: Person, there: Access) -> None:
    own = await store.read(access.by_id, ben.id, ben.inbox)
    await store.write(guarded.copy, ben.id, anna.id, there.box.id, [(1, 1)], own, NOW, move=True, room=0)


async def _give(store: Store, anna: Person, ben: Person, there: Access) -> None:
    draft = Draft(made_up("new"), Placing(anna.id, there.box.id, 0), NOW)
    await store.write(guarded.append, there, [draft], NOW)


async def _give_rights(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(guarded.change_rights, ben.id, there.name, "ben@a.example", Rights.ADD, ALL, NOW)


async def _create(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(access.create, ben.id, f"{there.name}/Below", "", NOW)


async def _remove(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(access.remove, ben.id, there.name, NOW)


async def _rename(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(access.rename, ben.id, there.name, there.name.replace("Box", "Other"), NOW)


async def _annotate(store: Store, anna: Person, ben: Person, there: Access) -> None:
    await store.write(guarded.annotate, there, {"/shared/comment": b"mine"}, NOW)


WRITES = [_store, _expunge, _take, _give, _give_rights, _create, _remove, _rename, _annotate]


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_waits_for_those_who_change_the_rights(store: Store, write: Write) -> None:
    anna, ben = await person(store, "anna"), await person(store, "ben")
    top = await store.write(mailbox.create, anna.id, "Top", "", NOW)
    await store.write(acl.change_rights, anna.id, top, ben.id, Rights.REPLACE, ALL, NOW)
    box = await store.write(mailbox.create, anna.id, "Top/Box", "", NOW)  # with the same
    await store.write(message.append, made_up(), Placing(anna.id, box, 0), NOW, NOW)
    there = await store.read(access.by_id, ben.id, box)
    writing: list[asyncio.Task[Any]] = []

    async def take_away(tx: Tx) -> None:
        await acl.change_rights(tx, anna.id, box, ben.id, Rights.REPLACE, LOOKUP, NOW)
        writing.append(asyncio.ensure_future(write(store, anna, ben, there)))
        while isinstance(store, PostgresStore):  # until it waits for us; SQLite has one writer
            row = await tx.one("SELECT count(*) FROM pg_locks WHERE NOT granted")
            assert row is not None
            if row[0] or writing[0].done():
                return

    await store.write(take_away)
    with pytest.raises(access.NotAllowed):
        await writing[0]
