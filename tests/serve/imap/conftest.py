"""A house with IMAP sessions for each test; and one on each of the two databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.testing.imaphouse import ImapHouse, imap_house
from posthaus.testing.storehouse import Databases, databases

__all__ = ["databases"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[ImapHouse]:
    async with imap_house(tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ImapHouse]:
    databases: Databases | None = request.getfixturevalue("databases") if request.param == "postgres" else None
    url = await databases.take() if databases is not None else "sqlite:"
    async with imap_house(tmp_path, url) as made:
        yield made
    if databases is not None:
        await databases.give_back(url)
