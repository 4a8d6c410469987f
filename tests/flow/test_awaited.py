"""Rights for an address that somebody gets in the same moment."""

import asyncio

import pytest

from posthaus.flow import access
from posthaus.mail.rights import LOOKUP
from posthaus.store import acl
from posthaus.store.acl import Mode
from posthaus.store.drivers.postgres import PostgresStore
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Person, person


async def test_who_comes_while_rights_are_given_has_them(store: Store) -> None:
    anna = await person(store, "anna")
    coming: list[asyncio.Task[Person]] = []

    async def give(tx: Tx) -> None:
        member = await access.to_be_given(tx, "ben@a.example")
        coming.append(asyncio.ensure_future(person(store, "ben")))
        while isinstance(store, PostgresStore):  # until he waits for us, or is there; SQLite has one writer
            row = await tx.one("SELECT count(*) FROM pg_locks WHERE NOT granted")
            assert row is not None
            if row[0] or coming[0].done():
                break
        await acl.change_rights(tx, anna.id, anna.inbox, member, Mode.REPLACE, LOOKUP, NOW)

    await store.write(give)
    ben = await coming[0]
    assert await store.read(acl.rights, anna.inbox, ben.id) == LOOKUP


async def test_who_is_there_is_named_by_all_spellings(store: Store) -> None:
    ben = await person(store, "ben")
    assert await store.read(access.named_by, "Ben@A.example") == ben.id
    assert await store.read(access.named_by, "Cleo@A.example") == acl.Awaited("cleo@a.example")
    for name in ("cleo@b.example", "cleo", "cleo@[192.0.2.1]", "@a.example"):
        with pytest.raises(access.NoSuchMember):
            await store.write(access.to_be_given, name)
