"""From a domain in the DNS to a message at its host: next hop, TLS and what is counted of it, all of it real."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.flow.relaying import Bench, make_bench
from tests.flow.secureworld import SecureWorld, policy, secure_world

from posthaus.base.log import Log
from posthaus.flow.nexthop import NextHops
from posthaus.flow.tlscount import DAY_S, TlsCounter
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import tlsresult
from posthaus.testing.remote import Remote, remote_mx


@dataclass
class Sending:
    world: SecureWorld
    mx: Remote
    bench: Bench
    counter: TlsCounter

    async def send(self) -> Outcome:
        """One message to somebody at b.test."""
        hops = NextHops(
            self.world.store, self.world.resolver(), self.world.policies, self.world.chance, self.world.ourselves,
            port=self.mx.port, on_policy=self.counter.policy,
        )  # fmt: skip
        hop = await hops.find("mx/b.test", "b.test")
        if isinstance(hop, Outcome):
            return hop
        self.bench.relay._on_tls = self.counter.session
        link = await self.bench.relay.open(hop)
        if isinstance(link, Outcome):
            return link
        (outcome,) = await self.bench.over(link, ["bob@b.test"])
        await link.close()
        return outcome

    async def counted(self) -> list[tuple[str, str, int]]:
        """Policy, failure and sessions."""
        await self.counter.flush()
        day = int(self.world.clock.now()) // DAY_S
        found = await self.world.store.read(tlsresult.of_day, day, "b.test")
        return [(one.result.policy, one.result.kind, one.sessions) for one in found]

    def publish(self, key: bytes) -> None:
        name = f"_{self.mx.port}._tcp.mx.b.test"
        self.world.dns.records[name] = {"TLSA": [f"3 1 1 {hashlib.sha256(key).hexdigest()}"]}


def key_of(mx: Remote) -> bytes:
    return (
        x509.load_pem_x509_certificate(mx.certificate)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.fixture
async def sending(tmp_path: Path) -> AsyncIterator[Sending]:
    async with secure_world(tmp_path / "store") as world, remote_mx(names=("mx.b.test",)) as mx:
        world.dns.records |= {"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": {"A": [mx.host]}}
        trust = tmp_path / "trust.pem"
        trust.write_bytes(mx.certificate)
        counter = TlsCounter(world.store, world.clock, Log(world.clock, world.lines.append))
        yield Sending(world, mx, make_bench(trust), counter)


async def test_without_a_policy(sending: Sending) -> None:
    outcome = await sending.send()
    assert outcome.kind is Kind.RELAYED and outcome.tls and "verified" not in outcome.tls
    assert await sending.counted() == [("no-policy-found", "", 1)]


async def test_dane(sending: Sending) -> None:
    sending.world.dns.is_secure = True
    sending.publish(key_of(sending.mx))
    outcome = await sending.send()
    assert outcome.kind is Kind.RELAYED and outcome.tls.endswith("verified by DANE")
    sending.publish(b"another key")
    outcome = await sending.send()
    assert (outcome.kind, outcome.enhanced) == (Kind.DEFERRED, "4.7.5")
    assert sorted(await sending.counted()) == [("tlsa", "", 1), ("tlsa", "validation-failure", 1)]
    assert len(sending.mx.messages) == 1


async def test_sts(sending: Sending) -> None:
    sending.world.announce("b.test", "1", policy("enforce", "*.b.test"))
    outcome = await sending.send()
    assert outcome.kind is Kind.RELAYED and outcome.tls.endswith("verified by MTA-STS")
    sending.world.dns.records |= {"b.test": {"MX": ["10 other.b.test"]}, "other.b.test": {"A": [sending.mx.host]}}
    outcome = await sending.send()  # a host that the policy allows, whose certificate is another's
    assert (outcome.kind, outcome.enhanced) == (Kind.DEFERRED, "4.7.5")
    sending.world.announce("b.test", "2", policy("testing", "*.b.test"))
    assert (await sending.send()).kind is Kind.RELAYED
    assert sorted(await sending.counted()) == [
        ("sts", "", 1),
        ("sts", "certificate-host-mismatch", 1),
        ("sts", "certificate-host-mismatch", 1),
    ]
    assert len(sending.mx.messages) == 2
