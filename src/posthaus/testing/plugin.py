"""The pytest fixture `posthaus`: a real post office beside the test, over when the test is over.

It stands for every project that has Posthaus installed; nothing is loaded before a test asks for it.

Standards: none.
Faults:    none of its own.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from posthaus.testing.kit import Office


@pytest.fixture
def posthaus() -> "Iterator[Office]":
    """A running server with no accounts yet: `posthaus.account("alice@example.test", "secret")`."""
    from posthaus.testing.kit import running

    with running() as office:
        yield office
