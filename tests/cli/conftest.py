"""The command line narrows the umask of its process; in a test that process is everybody's."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
