"""A small world for tests of secure ways: a DNS, a web host with certificates of the test's own, a store, a clock."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from posthaus.base.clock import SystemClock
from posthaus.base.log import Log
from posthaus.flow.demand import PolicyFailure
from posthaus.flow.hop import Host, NextHop
from posthaus.flow.nexthop import NextHops, Ourselves
from posthaus.flow.sts import Policies
from posthaus.mail.outcome import Outcome
from posthaus.net.https import Https
from posthaus.net.own import OwnDoors
from posthaus.net.resolver import Place, Resolver
from posthaus.store.store import Store, open_store
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.webhost import Page, Webhost, webhost
from posthaus.testing.zone import Zone, zone

AUTHORITY = trustme.CA()
PATH = "/.well-known/mta-sts.txt"
LOCAL = {"A": ["127.0.0.1"]}


def policy(mode: str = "enforce", *mx: str, max_age: int = 604_800) -> Page:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in mx), f"max_age: {max_age}"]
    return Page("\r\n".join(lines).encode() + b"\r\n")


@dataclass
class SecureWorld:
    dns: Zone
    web: Webhost
    store: Store
    trust: ssl.SSLContext
    clock: JumpClock = field(default_factory=lambda: JumpClock(frozen=True))
    chance: SeededChance = field(default_factory=SeededChance)
    ourselves: Ourselves = field(default_factory=lambda: Ourselves("mail.a.test", OwnDoors([("192.0.2.99", 25)])))
    told: list[PolicyFailure] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policies = self.worker()

    def worker(self) -> Policies:
        """One more of them, which remembers nothing."""
        log = Log(SystemClock(), self.lines.append)
        return Policies(self.store, self.resolver(), self.https(), self.clock, log)

    def resolver(self) -> Resolver:
        place = Place(self.dns.address, self.dns.port, is_trusted=True)
        return Resolver([place], self.clock, self.chance, try_s=5.0, rounds=1, entries=0)

    def https(self) -> Https:
        return Https(self.resolver(), context=self.trust, port=self.web.port, private=True)

    def announce(self, domain: str, policy_id: str, page: Page) -> None:
        """The domain has this policy from now on; its web host is the one that there is."""
        self.dns.records[f"_mta-sts.{domain}"] = {"TXT": [f"v=STSv1; id={policy_id};"]}
        self.dns.records[f"mta-sts.{domain}"] = LOCAL
        self.web.pages[PATH] = page

    async def find(self, domain: str, destination: str = "") -> NextHop | Outcome:
        hops = NextHops(
            self.store, self.resolver(), self.policies, self.chance, self.ourselves, on_policy=self.told.append
        )
        return await hops.find(destination or f"mx/{domain}", domain)

    async def hosts(self, domain: str, destination: str = "") -> tuple[Host, ...]:
        found = await self.find(domain, destination)
        assert isinstance(found, NextHop), found
        assert found.key == (destination or f"mx/{domain}")
        return found.hosts

    async def names(self, domain: str) -> list[str]:
        return [host.name for host in await self.hosts(domain)]

    async def outcome(self, domain: str, destination: str = "") -> Outcome:
        found = await self.find(domain, destination)
        assert isinstance(found, Outcome), found
        assert found.text
        return found


@asynccontextmanager
async def secure_world(folder: Path) -> AsyncIterator[SecureWorld]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("mta-sts.b.test").configure_cert(server)
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    store = await open_store("sqlite:", folder)
    async with zone({}) as dns, webhost(server, {}) as web:
        world = SecureWorld(dns, web, store, trust)
        try:
            yield world
        finally:
            await world.policies.close()
            await store.close()
