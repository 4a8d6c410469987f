"""The resolver against a real server with faults on order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.base import limit
from posthaus.base.dns import DnsTrouble, Mx, Tlsa
from posthaus.net.resolver import Place, Resolver, places
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.zone import HOST, Fault, Zone, zone

RECORDS = {
    "b.test": {"MX": ["20 MX2.b.test", "10 mx1.b.test"], "TXT": ["v=one " + "x" * 300, "two"]},
    "mx1.b.test": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "null.test": {"MX": ["0 ."]},
    "alias.test": {"CNAME": ["middle.test"]},
    "middle.test": {"CNAME": ["mx1.b.test"]},
    "dangling.test": {"CNAME": ["nobody.test"]},
    "_25._tcp.mx1.b.test": {"TLSA": ["3 1 1 " + "ab" * 32]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx1.b.test"]},
}


@pytest.fixture
async def dns() -> AsyncIterator[Zone]:
    async with zone(dict(RECORDS)) as here:
        yield here


class Asker:
    def __init__(
        self,
        *where: Zone | Place,
        try_s: float = 5.0,
        rounds: int = 1,
        entries: int = 100,
        octets: int = limit.DNS_CACHE_OCTETS,
    ) -> None:
        self.clock = JumpClock(frozen=True)
        named = [one if isinstance(one, Place) else Place(one.address, one.port) for one in where]
        self.resolver = Resolver(
            named, self.clock, SeededChance(), try_s=try_s, rounds=rounds, entries=entries, octets=octets
        )


async def test_each_type(dns: Zone) -> None:
    ask = Asker(dns).resolver
    assert sorted((await ask.mx("b.test")).records, key=lambda mx: mx.preference) == [
        Mx(10, "mx1.b.test"),
        Mx(20, "mx2.b.test"),
    ]
    assert list((await ask.mx("null.test")).records) == [Mx(0, "")]
    assert list((await ask.a("MX1.b.test")).records) == ["192.0.2.1", "192.0.2.2"]
    assert list((await ask.aaaa("mx1.b.test")).records) == ["2001:db8::1"]
    assert set((await ask.txt("b.test")).records) == {b"v=one " + b"x" * 300, b"two"}
    assert list((await ask.tlsa("_25._tcp.mx1.b.test")).records) == [Tlsa(3, 1, 1, b"\xab" * 32)]
    assert list((await ask.ptr("192.0.2.1")).records) == ["mx1.b.test"]
    assert list((await ask.cname("alias.test")).records) == ["middle.test"]


async def test_nothing_of_a_type_is_not_the_same_as_no_name(dns: Zone) -> None:
    ask = Asker(dns).resolver
    nothing, nobody, between = await ask.a("b.test"), await ask.a("c.test"), await ask.a("_tcp.mx1.b.test")
    assert (list(nothing.records), nothing.exists) == ([], True)
    assert (list(nobody.records), nobody.exists) == ([], False)
    assert between.exists  # RFC 8020 §2: there is something below
    assert not (await ask.a("a..b")).exists and not (await ask.a("x" * 64 + ".test")).exists
    assert not (await ask.cname("c.test")).exists


@pytest.mark.parametrize("fault", [None, Fault.HALF_CHAIN])
async def test_cnames_are_followed(dns: Zone, fault: Fault | None) -> None:
    if fault is not None:
        for name in ("alias.test", "middle.test", "dangling.test"):
            dns.order(name, "A", fault)
    ask = Asker(dns).resolver
    found = await ask.a("alias.test")
    assert (list(found.records), found.name) == (["192.0.2.1", "192.0.2.2"], "mx1.b.test")
    dangling = await ask.a("dangling.test")
    assert (list(dangling.records), dangling.exists, dangling.name) == ([], False, "nobody.test")


@pytest.mark.parametrize("fault", [None, Fault.HALF_CHAIN])
async def test_cnames_without_end(dns: Zone, fault: Fault | None) -> None:
    dns.records |= {"x.test": {"CNAME": ["y.test"]}, "y.test": {"CNAME": ["x.test"]}}
    if fault is not None:
        dns.order("x.test", "A", fault)
        dns.order("y.test", "A", fault)
    with pytest.raises(DnsTrouble):
        await Asker(dns).resolver.a("x.test")


# -- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED, Fault.RUBBISH, Fault.LAME])
async def test_no_answer_is_trouble(dns: Zone, fault: Fault) -> None:
    dns.order("b.test", "MX", fault)
    ask = Asker(dns).resolver
    with pytest.raises(DnsTrouble, match=r"^b\.test MX: "):
        await ask.mx("b.test")
    dns.order("b.test", "MX", fault, times=0)
    assert (await ask.mx("b.test")).records  # trouble is not remembered


async def test_silence_is_trouble(dns: Zone) -> None:
    dns.order("b.test", "MX", Fault.SILENCE)
    with pytest.raises(DnsTrouble, match="in time"):
        await Asker(dns, try_s=0.02, rounds=2).resolver.mx("b.test")
    assert dns.asked("b.test", "MX") == 2


@pytest.mark.parametrize("fault", [Fault.WRONG_ID, Fault.WRONG_QUESTION])
async def test_forged_answers_are_passed_over(dns: Zone, fault: Fault) -> None:
    dns.order("mx1.b.test", "A", fault)
    assert (await Asker(dns).resolver.a("mx1.b.test")).records


async def test_truncated_goes_over_tcp(dns: Zone) -> None:
    dns.order("mx1.b.test", "A", Fault.TRUNCATED)
    assert (await Asker(dns).resolver.a("mx1.b.test")).records
    assert [way for *_, way in dns.questions] == ["udp", "tcp"]


async def test_an_answer_that_is_really_too_long(dns: Zone) -> None:
    dns.records["long.test"] = {"TXT": ["x" * 60_000]}
    (text,) = (await Asker(dns).resolver.txt("long.test")).records
    assert text == b"x" * 60_000


async def test_a_server_without_edns(dns: Zone) -> None:
    dns.order("mx1.b.test", "A", Fault.NO_EDNS)
    assert (await Asker(dns).resolver.a("mx1.b.test")).records


async def test_the_next_resolver_is_asked_and_preferred_from_then_on(dns: Zone) -> None:
    async with zone({"b.test": {"MX": ["5 other.test"]}}) as second:
        dns.order("b.test", "MX", Fault.SERVFAIL)
        ask = Asker(Place(HOST, 1), dns, second).resolver  # nobody listens on port 1
        assert [mx.host for mx in (await ask.mx("b.test")).records] == ["other.test"]
        await ask.a("b.test")
        assert dns.asked("b.test", "A") == 0


async def test_a_tlsa_record_that_cannot_be_read_is_one_all_the_same(dns: Zone) -> None:
    dns.records["_25._tcp.x.test"] = {"TLSA": ["\\# 030101ab", "3 1 1 " + "ab" * 32]}
    found = (await Asker(dns).resolver.tlsa("_25._tcp.x.test")).records
    assert len(found) == 2 and Tlsa(3, 1, 1, b"\xab" * 32) in found
    dns.records["_25._tcp.x.test"]["TLSA"].pop()
    assert len((await Asker(dns).resolver.tlsa("_25._tcp.x.test")).records) == 1
    dns.records["x.test"] = {"A": ["\\# 01"]}
    with pytest.raises(DnsTrouble):
        await Asker(dns).resolver.a("x.test")


# -- remembering ---------------------------------------------------------------------------------------------------


async def test_answers_are_remembered_until_their_end(dns: Zone) -> None:
    asker = Asker(dns)
    for _ in range(3):
        assert (await asker.resolver.a("mx1.b.test")).ttl_s == dns.ttl_s
    asker.clock.jump(dns.ttl_s - 1)
    assert (await asker.resolver.a("MX1.B.test")).ttl_s == 1
    assert dns.asked("mx1.b.test", "A") == 1
    asker.clock.jump(1)
    await asker.resolver.a("mx1.b.test")
    assert dns.asked("mx1.b.test", "A") == 2


async def test_nothing_is_remembered_too(dns: Zone) -> None:
    asker = Asker(dns)
    for name in ("b.test", "c.test", "b.test", "c.test"):
        await asker.resolver.a(name)
    assert dns.asked("b.test", "A") == dns.asked("c.test", "A") == 1
    asker.clock.jump(dns.negative_ttl_s)
    await asker.resolver.a("c.test")
    assert dns.asked("c.test", "A") == 2


async def test_nothing_is_not_remembered_for_ever(dns: Zone) -> None:
    dns.negative_ttl_s = 86_400
    assert (await Asker(dns).resolver.a("c.test")).ttl_s == 3_600


async def test_ttl_of_zero_and_of_a_year(dns: Zone) -> None:
    asker = Asker(dns)
    dns.ttl_s = 0
    await asker.resolver.a("mx1.b.test")
    dns.ttl_s = 31_536_000
    assert (await asker.resolver.a("mx1.b.test")).ttl_s == 86_400
    assert dns.asked("mx1.b.test", "A") == 2


async def test_the_cache_is_bounded(dns: Zone) -> None:
    ask = Asker(dns, entries=2).resolver
    for name in ("1.test", "2.test", "1.test", "3.test", "1.test", "2.test"):
        await ask.a(name)
    assert [dns.asked(f"{n}.test", "A") for n in (1, 2, 3)] == [1, 2, 1]


async def test_the_cache_is_weighed(dns: Zone) -> None:
    for n in (1, 2):
        dns.records[f"{n}.test"] = {"TXT": ["x" * 1_000], "MX": ["10 mx1.b.test"]}
    asker = Asker(dns, octets=2_500)
    ask = asker.resolver
    for name in ("1.test", "1.test", "2.test", "1.test"):  # one has room, and not two
        await ask.txt(name)
    assert [dns.asked(f"{n}.test", "TXT") for n in (1, 2)] == [2, 1]
    for _ in range(20):  # what runs out, or is taken out, is weighed no more
        asker.clock.jump(dns.ttl_s)
        await ask.mx("1.test")
        await ask.mx("1.test")
    assert dns.asked("1.test", "MX") == 20
    await ask.txt("1.test")
    await ask.txt("1.test")
    assert dns.asked("1.test", "TXT") == 3
    small = Asker(dns, octets=100).resolver
    for _ in range(2):  # what is larger than all of the cache is not remembered
        await small.mx("2.test")
    assert dns.asked("2.test", "MX") == 2


async def test_the_same_question_at_the_same_time_is_asked_once(dns: Zone) -> None:
    ask = Asker(dns).resolver
    first = asyncio.ensure_future(ask.mx("b.test"))
    others = [asyncio.ensure_future(ask.mx("b.test")) for _ in range(9)]
    await asyncio.sleep(0)
    first.cancel()  # who gives up takes nothing from the others
    assert len({id(one.records) for one in await asyncio.gather(*others)}) == 1
    assert first.cancelled()
    assert dns.asked("b.test", "MX") == 1


async def test_close(dns: Zone) -> None:
    dns.order("b.test", "MX", Fault.SILENCE)
    ask = Asker(dns).resolver
    waiting = asyncio.ensure_future(ask.mx("b.test"))
    await asyncio.sleep(0)
    await ask.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await ask.close()


# -- whose AD bit counts -------------------------------------------------------------------------------------------


async def test_ad_counts_from_a_trusted_resolver_only(dns: Zone) -> None:
    dns.is_secure = True
    trusted = Asker(Place(dns.address, dns.port, is_trusted=True)).resolver
    assert (await trusted.a("alias.test")).is_secure and (await trusted.a("c.test")).is_secure
    assert not (await Asker(dns).resolver.a("mx1.b.test")).is_secure


@pytest.mark.parametrize("fault", [None, Fault.HALF_CHAIN])
async def test_a_chain_is_as_secure_as_its_weakest_link(dns: Zone, fault: Fault | None) -> None:
    dns.is_secure = True
    dns.insecure = {"mx1.b.test"}
    if fault is not None:
        dns.order("alias.test", "A", fault)
    trusted = Asker(Place(dns.address, dns.port, is_trusted=True)).resolver
    assert not (await trusted.a("alias.test")).is_secure
    assert (await trusted.cname("alias.test")).is_secure


def test_places(tmp_path: Path) -> None:
    assert places(("192.0.2.1", "[::1]:5353")) == (Place("192.0.2.1"), Place("::1", 5353, is_trusted=True))
    assert places(("192.0.2.1:5300",), is_trusted=True) == (Place("192.0.2.1", 5300, is_trusted=True),)
    conf = tmp_path / "resolv.conf"
    conf.write_text(
        "search x.test\n nameserver 192.0.2.1\n#nameserver 192.0.2.9\nnameserver ::1\n" + 3 * "nameserver 192.0.2.7\n"
    )
    assert places((), resolv_conf=conf) == (
        Place("192.0.2.1"),
        Place("::1", is_trusted=True),
        Place("192.0.2.7"),
    )
    assert places(("tls://192.0.2.1#dns.test", "tls://[2001:db8::1]:8853")) == (
        Place("192.0.2.1", 853, True, "dns.test"),
        Place("2001:db8::1", 8853, True, "2001:db8::1"),
    )
    assert places((), resolv_conf=tmp_path / "none") == (Place("127.0.0.1", is_trusted=True),)
