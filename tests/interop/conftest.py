"""One office for all real programs: two workers, its own certificate, and a person for each test."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.interop.clients import Office, Person

from posthaus.testing.process import ServerProcess
from posthaus.testing.storehouse import databases

__all__ = ["databases"]

AT_A_TIME = 60  # accounts made in one command while the server runs, when a test wants one and none is left
PASSWORD = "correct horse"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The server, started once; what it logs as its own defect, or leaves broken in the store, fails the run."""
    with ServerProcess(tmp_path_factory.mktemp("house") / "house", {}) as server:
        yield Office(server, people(server))
        server.run("verify")
        assert server.stop() == 0
    assert not defects(server)


def people(server: ServerProcess) -> Iterator[Person]:
    for start in count(0, AT_A_TIME):
        some = [Person(f"person{n}@example.test", PASSWORD) for n in range(start, start + AT_A_TIME)]
        server.run("account", "import", "-", stdin="".join(f"{one.address},{one.password}\n" for one in some))
        yield from some


@pytest.fixture
def office(running: Office) -> Iterator[Office]:
    """The server, with an eye on its log while the test runs."""
    before = len(running.server.log())
    yield running
    assert not (found := defects(running.server, before)), "\n".join(found)


@pytest.fixture
def person(office: Office) -> Person:
    return office.person()


def defects(server: ServerProcess, start: int = 0) -> list[str]:
    return [line.replace("\\n", "\n") for line in server.log()[start:].splitlines() if " defect " in line[:80]]
