"""Reports of TLS, from counts to a queue, a web host, or nobody."""

import dataclasses
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import trustme

from posthaus.base import limit
from posthaus.flow.tlscount import DAY_S
from posthaus.flow.tlsreport import TlsReporter
from posthaus.mail.scan import scan
from posthaus.mail.tlsrpt import Failure, Policy, parse_report, unpack
from posthaus.mail.tlsrptmail import find_report
from posthaus.net.https import Https
from posthaus.net.resolver import Place, Resolver
from posthaus.store import lease, tlsresult
from posthaus.store.error import Locked
from posthaus.store.tlsresult import Result
from posthaus.store.tx import Tx
from posthaus.testing import AsyncOffice, server
from posthaus.testing.webhost import Page, Webhost, webhost
from posthaus.testing.zone import Fault, Zone, zone

AUTHORITY = trustme.CA()
TEXT = ("version: STSv1", "mode: enforce", "mx: *.b.test", "max_age: 86400")


@dataclass
class World:
    office: AsyncOffice
    dns: Zone
    web: Webhost
    reporter: TlsReporter
    day: int

    async def count(self, domain: str = "b.test") -> None:
        fine = Result(self.day, domain, "sts", TEXT)
        bad = dataclasses.replace(fine, kind="certificate-expired", host="mx.b.test", address="192.0.2.1")
        await self.office.app.store.write(tlsresult.count, [(fine, 5), (bad, 2)])

    async def waiting(self) -> list[tuple[int, str]]:
        return await self.office.app.store.read(tlsresult.waiting, self.day + 10)

    def ask(self, rua: str) -> None:
        self.dns.records["_smtp._tls.b.test"] = {"TXT": [f"v=TLSRPTv1; rua={rua}"]}

    async def queued(self) -> list[tuple[str, str, bytes]]:
        """Destination, recipient and the octets of each that waits."""

        async def read(tx: Tx) -> list[tuple[str, str, bytes]]:
            rows = await tx.all(
                "SELECT e.destination, e.localpart, e.domain, o.head, o.body FROM errand e"
                " JOIN parcel p ON p.id = e.id / 65536 JOIN blob o ON o.id = p.blob ORDER BY e.id"
            )
            return [(row[0], f"{row[1]}@{row[2]}", row[3] + row[4]) for row in rows]

        return await self.office.app.store.read(read)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("web.b.test").configure_cert(context)
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    records = {"web.b.test": {"A": ["127.0.0.1"]}}
    async with server() as office, zone(records) as dns, webhost(context, {}) as web:
        place = Place(dns.address, dns.port)
        resolver = Resolver([place], office.clock, office.app.chance, rounds=1, entries=0)
        https = Https(resolver, context=trust, port=web.port, private=True)
        day = int(office.clock.now()) // DAY_S
        yield World(office, dns, web, TlsReporter(office.app.site, office.app.here, resolver, https), day)


async def test_a_day_that_is_yet_to_come_is_not_kept(world: World) -> None:
    """It was counted while the clock was ahead; a node that is past midnight already counts for its own day."""
    world.day += 1
    await world.count()
    world.day += 1
    await world.count()
    await world.reporter.report_once("w/1")
    assert await world.waiting() == [(world.day - 1, "b.test")]


async def test_by_mail(world: World) -> None:
    world.ask("mailto:tls%2Breports@other.test?subject=x")
    await world.count()
    assert await world.reporter.report_once("w") == 0  # the day is not over
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 1
    ((destination, recipient, octets),) = await world.queued()
    assert (destination, recipient) == ("anyway/other.test", "tls+reports@other.test")
    report = find_report(octets, scan(octets))
    assert report is not None
    assert (report.organization, report.start, report.end) == (
        "example.test",
        world.day * DAY_S,
        world.day * DAY_S + DAY_S - 1,
    )
    failure = Failure("certificate-expired", 2, "", "mx.b.test", "192.0.2.1")
    assert report.policies == (Policy("sts", "b.test", TEXT, ("*.b.test",), 5, (failure,), 2),)
    assert await world.waiting() == []
    assert await world.reporter.report_once("w") == 0


async def test_over_https(world: World) -> None:
    world.ask("https://web.b.test/v1/tlsrpt")
    world.web.pages["/v1/tlsrpt"] = Page(code=201)
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 1
    (request,) = world.web.requests
    assert request.headers["content-type"] == "application/tlsrpt+gzip"
    assert parse_report(unpack(request.body)).policies[0].successes == 5
    assert await world.waiting() == [] and await world.queued() == []


async def test_over_https_again_until_it_is_given_up(world: World) -> None:
    world.ask("https://web.b.test/v1/tlsrpt")
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    for _ in range(2):
        assert await world.reporter.report_once("w") == 0
        assert await world.waiting() == [(world.day, "b.test")]
    first, second = world.web.requests
    assert first.body == second.body  # the same id: who got both knows
    world.office.clock.jump(limit.TLSRPT_TRIES_S)
    assert await world.reporter.report_once("w") == 0
    assert await world.waiting() == []


async def test_mail_where_https_fails(world: World) -> None:
    world.ask("https://web.b.test/v1/tlsrpt,mailto:tls@other.test")
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 1
    assert len(await world.queued()) == 1 and await world.waiting() == []


async def test_nobody_asks(world: World) -> None:
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 0
    assert await world.waiting() == [] and await world.queued() == []


async def test_dns_does_not_say(world: World) -> None:
    world.dns.order("_smtp._tls.b.test", "TXT", Fault.SERVFAIL)
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 0
    assert await world.waiting() == [(world.day, "b.test")]
    world.office.clock.jump(limit.TLSRPT_TRIES_S)
    await world.reporter.report_once("w")
    assert await world.waiting() == []


async def test_to_somebody_here(world: World) -> None:
    await world.office.account("tls@example.test", "secret")
    world.ask("mailto:tls@example.test")
    await world.count()
    world.office.clock.jump(DAY_S + limit.TLSRPT_SPREAD_S)
    assert await world.reporter.report_once("w") == 1
    (octets,) = await world.office.messages("tls@example.test")
    assert find_report(octets, scan(octets)) is not None


async def test_one_worker_at_a_time(world: World) -> None:
    now = int(world.office.clock.now() * 1000)
    await world.office.app.store.write(lease.take, lease.TLSRPT, "other", now, now + 60_000)
    with pytest.raises(Locked):
        await world.reporter.report_once("w")
