"""Questions over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import trustme

from posthaus.base.dns import DnsTrouble
from posthaus.net.resolver import Place, Resolver
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.zone import Fault, Zone, zone

AUTHORITY = trustme.CA()
RECORDS = {f"{n}.test": {"A": [f"192.0.2.{n}"]} for n in range(1, 30)}


@dataclass
class World:
    dns: Zone
    trust: ssl.SSLContext

    def resolver(self, name: str = "dns.test", *, trust: bool = True, try_s: float = 5.0) -> Resolver:
        place = Place(self.dns.address, self.dns.tls_port, True, name)
        context = self.trust if trust else None
        return Resolver([place], JumpClock(), SeededChance(), try_s=try_s, rounds=1, entries=0, context=context)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("dns.test").configure_cert(server)
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    async with zone(dict(RECORDS), context=server, is_secure=True) as dns:
        yield World(dns, trust)


async def test_one_connection_for_all(world: World) -> None:
    ask = world.resolver()
    found = await asyncio.gather(*(ask.a(name) for name in RECORDS))
    assert [list(one.records) for one in found] == [RECORDS[name]["A"] for name in RECORDS]
    assert all(one.is_secure for one in found)
    await ask.a("1.test")
    assert world.dns.connections == 1
    assert {way for *_, way in world.dns.questions} == {"tls"}
    await ask.close()


async def test_a_long_answer(world: World) -> None:
    world.dns.records["long.test"] = {"TXT": ["x" * 60_000]}
    ask = world.resolver()
    assert list((await ask.txt("long.test")).records) == [b"x" * 60_000]
    await ask.close()


@pytest.mark.parametrize(("name", "trust"), [("other.test", True), ("127.0.0.1", True), ("dns.test", False)])
async def test_who_cannot_prove_its_name_is_not_asked(world: World, name: str, trust: bool) -> None:
    ask = world.resolver(name, trust=trust)
    with pytest.raises(DnsTrouble, match="certificate"):
        await ask.a("1.test")
    assert world.dns.questions == []
    await ask.close()


async def test_a_connection_that_was_closed_is_opened_again(world: World) -> None:
    ask = world.resolver()
    await ask.a("1.test")
    for line in ask._lines.values():
        line._tire()  # as after a while without a question
    assert (await ask.a("2.test")).records
    assert world.dns.connections == 2
    await ask.close()


async def test_one_that_is_not_answered_delays_no_other(world: World) -> None:
    world.dns.order("1.test", "A", Fault.SILENCE)
    ask = world.resolver(try_s=0.3)
    first = asyncio.ensure_future(ask.a("1.test"))
    assert (await ask.a("2.test")).records
    with pytest.raises(DnsTrouble, match="in time"):
        await first
    assert (await ask.a("3.test")).records
    assert world.dns.connections == 1
    await ask.close()


async def test_forged_ids_and_rubbish(world: World) -> None:
    world.dns.order("1.test", "A", Fault.WRONG_ID)
    ask = world.resolver()
    assert (await ask.a("1.test")).records
    await ask.close()
