"""What is demanded of TLS at each host: DANE, MTA-STS, or what can be had."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flow.secureworld import SecureWorld, policy, secure_world

from posthaus.base.dns import Tlsa
from posthaus.flow.demand import tlsa_lines
from posthaus.flow.hop import Demand, NextHop
from posthaus.mail.outcome import Kind
from posthaus.testing.webhost import Page
from posthaus.testing.zone import Fault

DIGEST = "ab" * 32
RECORD = f"3 1 1 {DIGEST}"
TLSA = Tlsa(3, 1, 1, bytes.fromhex(DIGEST))
AT = "_25._tcp.mx.b.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SecureWorld]:
    async with secure_world(tmp_path) as here:
        here.dns.records |= {
            "b.test": {"MX": ["10 mx.b.test", "20 mx2.b.test"]},
            "mx.b.test": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
            "mx2.b.test": {"A": ["192.0.2.2"]},
        }
        yield here


def brief(found: NextHop) -> list[tuple[str, Demand, str]]:
    return [(host.name, host.demand, host.policy) for host in found.hosts]


async def demands(world: SecureWorld, domain: str = "b.test") -> list[tuple[str, Demand, str]]:
    found = await world.find(domain)
    assert isinstance(found, NextHop), found
    assert found.policy_domain == domain
    return brief(found)


NOTHING = [
    ("mx.b.test", Demand.OPPORTUNISTIC, "no-policy-found"),
    ("mx2.b.test", Demand.OPPORTUNISTIC, "no-policy-found"),
]


async def test_nothing(world: SecureWorld) -> None:
    assert await demands(world) == NOTHING
    assert not (await world.hosts("b.test"))[0].is_proven
    assert world.told == []


# -- MTA-STS -------------------------------------------------------------------------------------------------------


async def test_enforce(world: SecureWorld) -> None:
    page = policy("enforce", "*.b.test")
    world.announce("b.test", "1", page)
    found = await world.find("b.test")
    assert isinstance(found, NextHop)
    assert brief(found) == [("mx.b.test", Demand.VERIFIED, "sts"), ("mx2.b.test", Demand.VERIFIED, "sts")]
    assert [(host.names, host.is_proven) for host in found.hosts] == [(("mx.b.test",), True), (("mx2.b.test",), True)]
    assert found.policy_text == ("version: STSv1", "mode: enforce", "mx: *.b.test", "max_age: 604800")
    assert world.told == []


async def test_enforce_leaves_out_hosts_that_it_does_not_name(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx2.b.test"))
    assert await demands(world) == [("mx2.b.test", Demand.VERIFIED, "sts")]
    (told,) = world.told
    assert (told.domain, told.policy, told.kind, told.host) == ("b.test", "sts", "validation-failure", "mx.b.test")
    assert "mode: enforce" in told.policy_text


async def test_enforce_that_names_none_defers(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "other.test"))
    one = await world.outcome("b.test")
    assert (one.kind, one.status, one.blames_host) == (Kind.DEFERRED, "4.7.5", True)
    assert len(world.told) == 2
    world.announce("b.test", "2", policy("none"))  # RFC 8461 §5: a newer policy is looked for each time
    assert await demands(world) == NOTHING


async def test_testing_leaves_nothing_out_but_tells(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("testing", "mx.b.test"))
    assert await demands(world) == [
        ("mx.b.test", Demand.OPPORTUNISTIC, "sts"),
        ("mx2.b.test", Demand.OPPORTUNISTIC, ""),
    ]
    assert [host.names for host in await world.hosts("b.test")] == [("mx.b.test",), ()]
    assert {(one.kind, one.host) for one in world.told} == {("validation-failure", "mx2.b.test")}


async def test_a_policy_that_cannot_be_had_is_told(world: SecureWorld) -> None:
    world.announce("b.test", "1", Page(code=500))
    assert await demands(world) == NOTHING
    (told,) = world.told
    assert (told.policy, told.kind, told.policy_text) == ("sts", "sts-policy-fetch-error", ())


# -- DANE ----------------------------------------------------------------------------------------------------------


async def test_dane(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.records[AT] = {"TLSA": [RECORD]}
    assert await demands(world) == [
        ("mx.b.test", Demand.DANE, "tlsa"),
        ("mx2.b.test", Demand.OPPORTUNISTIC, "no-policy-found"),
    ]
    first, second = await world.hosts("b.test")
    assert (first.tlsa, first.names, first.is_proven) == ((TLSA,), ("mx.b.test", "b.test"), True)
    assert second.is_proven  # DNSSEC says so
    assert world.told == []


@pytest.mark.parametrize("insecure", ["b.test", "mx.b.test", AT])
async def test_no_dane_where_one_answer_is_not_secure(world: SecureWorld, insecure: str) -> None:
    world.dns.is_secure = True
    world.dns.insecure = {insecure}
    world.dns.records[AT] = {"TLSA": [RECORD]}
    assert await demands(world) == NOTHING
    assert world.dns.asked(AT, "TLSA") == (insecure == AT)  # RFC 7672 §2.2.2: not even asked


async def test_dane_for_the_implicit_mx(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.records |= {"c.test": {"A": ["192.0.2.3"]}, "_25._tcp.c.test": {"TLSA": [RECORD]}}
    (host,) = await world.hosts("c.test")
    assert (host.demand, host.names) == (Demand.DANE, ("c.test",))


async def test_no_answer_about_tlsa_leaves_the_host_out(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.order(AT, "TLSA", Fault.SERVFAIL)
    assert await demands(world) == [("mx2.b.test", Demand.OPPORTUNISTIC, "no-policy-found")]
    assert {(one.policy, one.kind, one.host) for one in world.told} == {("tlsa", "dnssec-invalid", "mx.b.test")}
    world.dns.order("_25._tcp.mx2.b.test", "TLSA", Fault.REFUSED)
    one = await world.outcome("b.test")
    assert (one.kind, one.status, one.blames_host) == (Kind.DEFERRED, "4.4.3", True)


@pytest.mark.parametrize(
    "record",
    [
        f"0 1 1 {DIGEST}",
        f"1 1 1 {DIGEST}",
        f"4 1 1 {DIGEST}",
        f"3 2 1 {DIGEST}",
        f"3 1 3 {DIGEST}",
        f"\\# 030102{DIGEST}",  # too short for SHA-512
        "\\# 0301",
    ],
)
async def test_unusable_records_demand_tls_all_the_same(world: SecureWorld, record: str) -> None:
    world.dns.is_secure = True
    world.dns.records[AT] = {"TLSA": [record]}
    assert (await demands(world))[0] == ("mx.b.test", Demand.ENCRYPTED, "tlsa")
    assert {(one.policy, one.kind, one.host) for one in world.told} == {("tlsa", "tlsa-invalid", "mx.b.test")}
    world.dns.records[AT]["TLSA"].append(RECORD)  # one that can be used is enough
    (first, _) = await world.hosts("b.test")
    assert first.demand is Demand.DANE and TLSA in first.tlsa


@pytest.mark.parametrize("record", [f"2 0 2 {'cd' * 64}", "3 0 0 3082", f"2 1 1 {DIGEST}"])
async def test_usable_records(world: SecureWorld, record: str) -> None:
    world.dns.is_secure = True
    world.dns.records[AT] = {"TLSA": [record]}
    (first, _) = await world.hosts("b.test")
    assert first.demand is Demand.DANE
    assert [line.lower() for line in tlsa_lines(first.tlsa)] == [record]


async def test_an_alias_for_a_host(world: SecureWorld) -> None:
    """RFC 7672 §2.2.2: the end of the chain first, then its beginning."""
    world.dns.is_secure = True
    world.dns.records |= {"b.test": {"MX": ["10 alias.test"]}, "alias.test": {"CNAME": ["mx.b.test"]}}
    world.dns.records |= {AT: {"TLSA": [RECORD]}, "_25._tcp.alias.test": {"TLSA": [f"3 1 1 {'cd' * 32}"]}}
    (host,) = await world.hosts("b.test")
    assert (host.name, host.names, host.tlsa) == ("alias.test", ("mx.b.test", "b.test"), (TLSA,))
    del world.dns.records[AT]
    (host,) = await world.hosts("b.test")
    assert (host.names, host.tlsa[0].data) == (("alias.test", "b.test"), b"\xcd" * 32)


async def test_a_secure_alias_for_an_insecure_host(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.insecure = {"mx.b.test"}
    world.dns.records |= {"b.test": {"MX": ["10 alias.test"]}, "alias.test": {"CNAME": ["mx.b.test"]}}
    world.dns.records |= {"_25._tcp.alias.test": {"TLSA": [RECORD]}}
    (host,) = await world.hosts("b.test")
    assert (host.demand, host.names) == (Demand.DANE, ("alias.test", "b.test"))
    world.dns.insecure.add("alias.test")
    (host,) = await world.hosts("b.test")
    assert host.demand is Demand.OPPORTUNISTIC
    world.dns.order("alias.test", "CNAME", Fault.SERVFAIL)
    assert (await world.outcome("b.test")).status == "4.4.3"


async def test_an_alias_for_the_domain(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.records |= {"alias.test": {"CNAME": ["b.test"]}, AT: {"TLSA": [RECORD]}}
    assert (await world.hosts("alias.test"))[0].names == ("mx.b.test", "alias.test", "b.test")


# -- both ----------------------------------------------------------------------------------------------------------


async def test_dane_wins(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.records[AT] = {"TLSA": [RECORD]}
    world.announce("b.test", "1", policy("enforce", "mx2.b.test"))
    assert await demands(world) == [("mx.b.test", Demand.DANE, "tlsa"), ("mx2.b.test", Demand.VERIFIED, "sts")]
    assert world.told == []  # the policy does not name the first host, but it is not the policy's business


async def test_with_dane_everywhere_no_policy_is_asked_for(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.records |= {AT: {"TLSA": [RECORD]}, "_25._tcp.mx2.b.test": {"TLSA": [RECORD]}}
    world.announce("b.test", "1", policy("enforce", "other.test"))
    assert {demand for _, demand, _ in await demands(world)} == {Demand.DANE}
    assert world.web.requests == []


async def test_a_failing_dane_host_is_not_rescued_by_sts(world: SecureWorld) -> None:
    world.dns.is_secure = True
    world.dns.order(AT, "TLSA", Fault.SERVFAIL)
    world.announce("b.test", "1", policy("enforce", "*.b.test"))
    assert await demands(world) == [("mx2.b.test", Demand.VERIFIED, "sts")]


async def test_what_must_arrive_anyway(world: SecureWorld) -> None:
    """RFC 8460 §5.3: a report of failing TLS does not fail for the same reason, and is not counted"""
    world.dns.is_secure = True
    world.dns.records[AT] = {"TLSA": [RECORD]}
    world.announce("b.test", "1", policy("enforce", "other.test"))
    hosts = await world.hosts("b.test", "anyway/b.test")
    assert [(host.name, host.demand, host.policy) for host in hosts] == [
        ("mx.b.test", Demand.OPPORTUNISTIC, ""),
        ("mx2.b.test", Demand.OPPORTUNISTIC, ""),
    ]
    assert world.told == []
