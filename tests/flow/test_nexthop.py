"""From a destination to hosts: a real resolver, a real DNS, a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flow.secureworld import SecureWorld, secure_world

from posthaus.base import limit
from posthaus.flow.hop import Credential, Demand, Host, NextHop
from posthaus.flow.nexthop import Ourselves
from posthaus.mail.outcome import Kind
from posthaus.store import smarthost
from posthaus.store.smarthost import Kind as Reach
from posthaus.store.smarthost import Scope, Smarthost
from posthaus.testing.zone import Fault

A1, A2, A3 = ({"A": [f"192.0.2.{n}"]} for n in (1, 2, 3))


def plain(name: str, *addresses: str) -> Host:
    """Without any policy."""
    return Host(name, addresses, policy="no-policy-found")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SecureWorld]:
    async with secure_world(tmp_path) as here:
        yield here


# -- the domain's own hosts ----------------------------------------------------------------------------------------


async def test_hosts_by_preference(world: SecureWorld) -> None:
    world.dns.records |= {
        "b.test": {"MX": ["20 two.b.test", "5 one.b.test", "30 three.b.test"]},
        "one.b.test": A1,
        "two.b.test": {"A": ["192.0.2.2"], "AAAA": ["2001:db8::2", "2001:db8::3"]},
        "three.b.test": A3,
    }
    assert await world.hosts("b.test") == (
        plain("one.b.test", "192.0.2.1"),
        plain("two.b.test", "2001:db8::2", "192.0.2.2", "2001:db8::3"),
        plain("three.b.test", "192.0.2.3"),
    )


async def test_equals_are_shuffled(world: SecureWorld) -> None:
    world.dns.records["b.test"] = {"MX": [f"10 h{n}.b.test" for n in range(4)] + ["5 first.b.test"]}
    world.dns.records |= {f"h{n}.b.test": A1 for n in range(4)} | {"first.b.test": A2}
    orders = [tuple(await world.names("b.test")) for _ in range(20)]
    assert all(one[0] == "first.b.test" for one in orders)
    assert {one[1] for one in orders} == {f"h{n}.b.test" for n in range(4)}


async def test_implicit_mx(world: SecureWorld) -> None:
    world.dns.records["b.test"] = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
    assert await world.hosts("b.test") == (plain("b.test", "2001:db8::1", "192.0.2.1"),)


async def test_an_alias_for_a_domain_or_a_host(world: SecureWorld) -> None:
    world.dns.records |= {
        "alias.test": {"CNAME": ["b.test"]},
        "b.test": {"MX": ["10 mx.b.test"]},
        "mx.b.test": {"CNAME": ["real.b.test"]},  # RFC 5321 §5.1 forbids it; real mail meets it
        "real.b.test": A1,
    }
    assert await world.hosts("alias.test") == (plain("mx.b.test", "192.0.2.1"),)


async def test_null_mx(world: SecureWorld) -> None:
    """RFC 7505 §3; beside other records it means nothing."""
    world.dns.records |= {
        "b.test": {"MX": ["0 ."], **A1},
        "mixed.test": {"MX": ["0 .", "10 mx.b.test"]},
        "mx.b.test": A1,
    }
    assert (one := await world.outcome("b.test")).kind is Kind.FAILED
    assert (one.code, one.status, one.is_final) == (556, "5.1.10", True)
    assert await world.names("mixed.test") == ["mx.b.test"]


async def test_no_such_domain_is_failed_and_no_answer_is_deferred(world: SecureWorld) -> None:
    assert (one := await world.outcome("b.test")).kind is Kind.FAILED
    assert (one.code, one.status) == (0, "5.1.2")
    for fault in (Fault.SERVFAIL, Fault.REFUSED, Fault.RUBBISH):
        world.dns.order("b.test", "MX", fault)
        assert (one := await world.outcome("b.test")).kind is Kind.DEFERRED
        assert (one.status, one.blames_host) == ("4.4.3", True)


async def test_a_domain_without_a_host(world: SecureWorld) -> None:
    world.dns.records |= {
        "txt.test": {"TXT": ["hello"]},
        "b.test": {"MX": ["10 nobody.b.test", "20 192.0.2.1"]},
        "zero.test": {"A": ["0.0.0.0"], "AAAA": ["::"]},
    }
    for domain in ("txt.test", "b.test", "zero.test"):
        assert (one := await world.outcome(domain)).kind is Kind.FAILED
        assert one.status == "5.4.4"


async def test_hosts_without_address_are_left_out(world: SecureWorld) -> None:
    world.dns.records |= {
        "b.test": {"MX": ["5 nobody.b.test", "10 192.0.2.1", "15 broken.b.test", "20 mx.b.test"]},
        "mx.b.test": A1,
        "broken.b.test": A2,
    }
    world.dns.order("broken.b.test", "A", Fault.SERVFAIL)
    assert await world.names("b.test") == ["mx.b.test"]
    world.dns.records["mx.b.test"] = {"TXT": ["no address any more"]}
    assert (one := await world.outcome("b.test")).kind is Kind.DEFERRED
    assert (one.status, one.blames_host) == ("4.4.3", True)


async def test_trouble_with_one_family_leaves_the_other(world: SecureWorld) -> None:
    world.dns.records["b.test"] = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
    world.dns.order("b.test", "AAAA", Fault.SERVFAIL)
    assert await world.hosts("b.test") == (plain("b.test", "192.0.2.1"),)


async def test_only_families_that_we_can_send_from(world: SecureWorld) -> None:
    world.dns.records["b.test"] = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
    world.ourselves = Ourselves("mail.a.test", source=("192.0.2.50",))
    assert (await world.hosts("b.test"))[0].addresses == ("192.0.2.1",)
    world.ourselves = Ourselves("mail.a.test", source=("2001:db8::50",))
    assert (await world.hosts("b.test"))[0].addresses == ("2001:db8::1",)


async def test_limits(world: SecureWorld) -> None:
    many = 3 * limit.NEXTHOP_HOSTS
    world.dns.records["b.test"] = {"MX": [f"{n} h{n}.b.test" for n in range(many)]}
    world.dns.records |= {f"h{n}.b.test": {"A": [f"192.0.2.{n}" for n in range(1, 30)]} for n in range(many)}
    world.dns.records["h0.b.test"]["AAAA"] = [f"2001:db8::{n}" for n in range(1, 30)]
    hosts = await world.hosts("b.test")
    assert [host.name for host in hosts] == [f"h{n}.b.test" for n in range(limit.NEXTHOP_HOSTS)]
    assert {len(host.addresses) for host in hosts} == {limit.NEXTHOP_ADDRESSES}
    assert {":" in address for address in hosts[0].addresses} == {True, False}


# -- ourselves -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", ["mail.a.test", "under.another.test"])
async def test_we_and_what_is_no_better_are_left_out(world: SecureWorld, own: str) -> None:
    world.dns.records |= {
        "b.test": {"MX": ["10 best.test", f"20 {own}", "20 equal.test", "30 worse.test"]},
        "best.test": A1,
        "equal.test": A2,
        "worse.test": A3,
        "mail.a.test": A3,
        "under.another.test": {"A": ["192.0.2.98", "192.0.2.99"]},
    }
    assert await world.names("b.test") == ["best.test"]


async def test_a_loop(world: SecureWorld) -> None:
    world.dns.records |= {"b.test": {"MX": ["10 mail.a.test", "20 worse.test"]}, "mail.a.test": A1, "worse.test": A2}
    assert (one := await world.outcome("b.test")).kind is Kind.FAILED
    assert one.status == "5.4.6"
    world.dns.records["b.test"]["MX"].append("5 nobody.test")  # of no use: it has no address
    assert (await world.outcome("b.test")).status == "5.4.6"
    world.dns.records["nobody.test"] = A3
    world.dns.order("nobody.test", "A", Fault.SERVFAIL)  # it may have one
    assert (await world.outcome("b.test")).status == "4.4.3"


async def test_loopback_is_ourselves(world: SecureWorld) -> None:
    """Unless the settings allow it. A private network is somebody's: an office has hosts of its own."""
    world.dns.records |= {
        "b.test": {"MX": ["10 mx.b.test", "20 worse.test"]},
        "mx.b.test": {"A": ["127.0.0.2"]},
        "worse.test": A1,
        "c.test": {"AAAA": ["::1"]},
        "office.test": {"A": ["192.168.1.25"]},
    }
    assert await world.names("b.test") == ["mx.b.test", "worse.test"]
    world.ourselves = Ourselves("mail.a.test", owns_loopback=True)
    for domain in ("b.test", "c.test", "[127.0.0.1]", "[IPv6:::1]"):
        assert (one := await world.outcome(domain)).kind is Kind.FAILED
        assert one.status == "5.4.6"
    assert await world.names("office.test") == ["office.test"]
    await world.store.write(smarthost.add, Smarthost("near", "127.0.0.1", 2525, "none"), [], 0)
    assert (await world.hosts("b.test", "smarthost/near"))[0].addresses == ("127.0.0.1",)  # an admin said so


# -- address-literals ----------------------------------------------------------------------------------------------


async def test_address_literals(world: SecureWorld) -> None:
    assert await world.hosts("[192.0.2.1]") == (Host("192.0.2.1", ("192.0.2.1",)),)
    assert await world.hosts("[IPv6:2001:db8::1]") == (Host("2001:db8::1", ("2001:db8::1",)),)
    assert (await world.outcome("[192.0.2.99]")).status == "5.4.6"
    assert (await world.outcome("[nonsense]")).status == "5.1.2"
    assert world.dns.questions == []


# -- smart hosts ---------------------------------------------------------------------------------------------------


async def test_a_smart_host(world: SecureWorld) -> None:
    world.dns.records["relay.test"] = {"A": ["192.0.2.7"], "MX": ["10 other.test"]}
    made = Smarthost("one", "relay.test", 465, "verified", True, False, "anna", "secret")
    await world.store.write(smarthost.add, made, [Scope(Reach.ALL)], 0)
    found = await world.find("b.test", "smarthost/one")
    assert found == NextHop(
        "smarthost/one",
        "",
        (
            Host(
                "relay.test",
                ("192.0.2.7",),
                465,
                Demand.VERIFIED,
                ("relay.test",),
                is_tls_first=True,
                credential=Credential("anna", "secret"),
                policy="smarthost",
            ),
        ),
    )
    world.dns.order("relay.test", "A", Fault.SERVFAIL)
    assert (await world.outcome("b.test", "smarthost/one")).status == "4.4.3"


async def test_a_smart_host_by_its_address(world: SecureWorld) -> None:
    for name, address in (("four", "192.0.2.7"), ("six", "2001:db8::7"), ("own", "192.0.2.99")):
        await world.store.write(smarthost.add, Smarthost(name, address, 25, "none"), [], 0)
    assert (await world.hosts("b.test", "smarthost/four"))[0].addresses == ("192.0.2.7",)
    assert (await world.hosts("b.test", "smarthost/six"))[0].addresses == ("2001:db8::7",)
    assert (await world.outcome("b.test", "smarthost/own")).status == "4.3.5"
    assert world.dns.questions == []


async def test_a_smart_host_that_is_gone(world: SecureWorld) -> None:
    one = await world.outcome("b.test", "smarthost/one")
    assert (one.kind, one.status, one.blames_host) == (Kind.DEFERRED, "4.3.5", True)


async def test_direct_first(world: SecureWorld) -> None:
    world.dns.records |= {"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": A1, "relay.test": A2}
    await world.store.write(smarthost.add, Smarthost("one", "relay.test", 25, "none", False, True), [], 0)
    key = "mx/b.test/one"
    assert [host.name for host in await world.hosts("b.test", key)] == ["mx.b.test", "relay.test"]
    world.dns.order("b.test", "MX", Fault.SERVFAIL)
    assert [host.name for host in await world.hosts("b.test", key)] == ["relay.test"]
    world.dns.order("relay.test", "A", Fault.SERVFAIL)
    assert (await world.outcome("b.test", key)).status == "4.4.3"
    world.dns.order("b.test", "MX", Fault.SERVFAIL, times=0)
    assert [host.name for host in await world.hosts("b.test", key)] == ["mx.b.test"]
    assert (await world.outcome("c.test", "mx/c.test/one")).status == "5.1.2"  # no smart host makes it exist
