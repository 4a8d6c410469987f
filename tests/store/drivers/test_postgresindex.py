"""The index of texts in PostgreSQL, given up in the middle of an answer."""

import asyncio

import asyncpg
import pytest

from posthaus.store.drivers.postgresindex import open_index
from posthaus.store.textindex import Entry
from posthaus.testing.storehouse import Databases

LONG = [Entry(message, (1,), f"words of message {message} " * 2_000) for message in range(1, 200)]


async def test_who_gives_up_waits_neither_for_the_database_nor_for_its_socket(databases: Databases) -> None:
    """The table is locked by another, so that nobody reads what we send; then there is no more room to send."""
    url = await databases.take()
    index = await open_index(url)
    await index.add(LONG[:3], 3)  # the statement is prepared
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute("LOCK TABLE text_word")
        adding = asyncio.create_task(index.add(LONG, 200))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass
        for _ in range(100):  # turns of the loop, until nothing more goes into the socket
            await other.fetchval("SELECT 1")
        adding.cancel()
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await adding
    await other.close()
    assert await index.upto() == 3
    await index.add(LONG, 200)
    assert await index.upto() == 200
    await index.close()
    await databases.give_back(url)
