"""What the tests of the flow ask for: `house` and `store` are there on both drivers, `near` is a server to attack."""

from collections.abc import Iterator

import pytest

from posthaus.testing.neighbour import beside
from posthaus.testing.process import ServerProcess
from posthaus.testing.rude import NEIGHBOUR, PASSWORD, attacked, judge
from posthaus.testing.storehouse import databases, house, store

__all__ = ["databases", "house", "store"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with attacked(tmp_path_factory.mktemp("attacked") / "house") as server:
        yield server


@pytest.fixture
def near(server: ServerProcess) -> Iterator[ServerProcess]:
    """The server, and the judgement of the neighbour when the test is over."""
    with beside(server, NEIGHBOUR, PASSWORD) as seen:
        yield server
    judge(seen)
