"""Every script, played against the real server in each way that it can be played, and whole also on PostgreSQL.

One server for each store serves them all, each play with accounts of its own; what the server logs as its own defect
fails the play.
"""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from _pytest.mark import ParameterSet

import posthaus.testing
from posthaus.base.setting import MailSetting, Settings, StoreSetting
from posthaus.testing.kit import AsyncOffice
from posthaus.testing.place import Place, Skipped, connect, reach
from posthaus.testing.player import play
from posthaus.testing.script import WAYS, Script, parse_script
from posthaus.testing.storehouse import Databases

HERE = Path(__file__).parent
PASSWORD = "secret"
NUMBERS = count(1)
LIMITED = {
    # what is announced only where an admin wants it: the settings of the server on which its scripts are played
    "MESSAGELIMIT": MailSetting(imap_message_limit=2),
    "SAVELIMIT": MailSetting(imap_save_limit=2),
}


def scripts() -> list[tuple[str, Script]]:
    paths = sorted(HERE.glob("*/*.txt"))
    return [(f"{path.parent.name}/{path.stem}", parse_script(path.read_text(encoding="utf-8"))) for path in paths]


def plays(*ways: str, limit: str = "") -> list[ParameterSet]:
    """limit: of those alone that need it; else of those that need none."""
    return [
        pytest.param(name, script, way, id=f"{name}-{way}")
        for name, script in scripts()
        for way in ways
        if script.can(way) and LIMITED.keys() & script.needs == ({limit} if limit else set())
    ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def office(request: pytest.FixtureRequest) -> AsyncIterator[AsyncOffice]:
    url = "sqlite:"
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    settings = Settings(store=StoreSetting(url=url), mail=LIMITED.get(request.param, MailSetting()))
    async with posthaus.testing.server(settings=settings) as office:
        await office.account("postmaster@example.test", PASSWORD, is_admin=True)
        yield office


def where(office: AsyncOffice, proto: str, script: Script, way: str, number: int) -> Place:
    """The door that the script wants, with TLS by STARTTLS on port 25 and from the start elsewhere."""
    name = (script.service or "mx").replace("mx", "smtp") if proto == "smtp" else proto
    tls = "no"
    if way == "tls":
        name, tls = ("smtp", "starttls") if name == "smtp" else (f"{name}s", "implicit")
    user = f"user{number}@example.test"

    async def append(messages: list[bytes]) -> None:
        for octets in messages:
            await office.append(user, octets)

    async def deliver(reverse_path: str, forward_path: str, octets: bytes) -> None:
        await office.send(reverse_path.strip("<>"), forward_path, octets)

    return Place(
        proto,
        office.host,
        office.port(name),
        user,
        PASSWORD,
        tls,
        office.context,
        words={"other": f"other{number}@example.test"},
        append=append,
        deliver=deliver,
        wait=office.jump,
    )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "script", "way"), plays(*WAYS))
@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
async def test_script(office: AsyncOffice, name: str, script: Script, way: str) -> None:
    await perform(office, name, script, way)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "script", "way"), plays("whole"))
@pytest.mark.parametrize("office", ["postgres"], indirect=True)
async def test_script_on_postgresql(office: AsyncOffice, name: str, script: Script, way: str) -> None:
    await perform(office, name, script, way)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "script", "way"), plays(*WAYS, limit="MESSAGELIMIT"))
@pytest.mark.parametrize("office", ["MESSAGELIMIT"], indirect=True)
async def test_script_of_messagelimit(office: AsyncOffice, name: str, script: Script, way: str) -> None:
    await perform(office, name, script, way)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "script", "way"), plays(*WAYS, limit="SAVELIMIT"))
@pytest.mark.parametrize("office", ["SAVELIMIT"], indirect=True)
async def test_script_of_savelimit(office: AsyncOffice, name: str, script: Script, way: str) -> None:
    await perform(office, name, script, way)


async def perform(office: AsyncOffice, name: str, script: Script, way: str) -> None:
    number = next(NUMBERS)
    place = where(office, name.partition("/")[0], script, way, number)
    await office.account(place.user, PASSWORD)
    await office.account(place.words["other"], PASSWORD)
    office.lines.clear()
    told = ""
    try:
        await play(script, place, way, mail=HERE / "mail")
    except Skipped as why:
        pytest.skip(str(why))
    except AssertionError as fault:
        told = f"{name}.txt, {way}: {fault}"
    if found := office.defects():
        told = "\n".join([told, *found])
    if told:
        pytest.fail(told, pytrace=False)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
async def test_what_pop3_announces_has_a_script(office: AsyncOffice) -> None:
    """Its table depends on the moment, so the server itself is asked; tests/house/test_capability.py has the others."""
    needed = {need for name, script in scripts() if name.startswith("pop3/") for need in script.needs}
    place = Place("pop3", office.host, office.port("pop3"), "", "")
    wire = await connect(place)
    await reach(wire, place, "nonauth", ())
    await wire.say("CAPA")
    lines: list[str] = []
    while lines[-1:] != ["."]:
        lines.append(await wire.read() or ".")
    wire.close()
    announced = {line.split(" ")[0] for line in lines[1:-1]}
    assert announced >= {"TOP", "UIDL", "SASL", "STLS"}
    assert announced <= needed
