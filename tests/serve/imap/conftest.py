"""A house with IMAP sessions for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.testing.imaphouse import ImapHouse, imap_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[ImapHouse]:
    async with imap_house(tmp_path) as made:
        yield made
