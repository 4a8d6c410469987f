"""HTTPS against a real server whose certificates are the test's own."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import trustme

from posthaus.base.dns import DnsTrouble
from posthaus.net.https import Https, HttpsFault
from posthaus.net.resolver import Place, Resolver
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.webhost import Page, Webhost, webhost
from posthaus.testing.zone import Fault, Zone, zone

AUTHORITY = trustme.CA()


@dataclass
class World:
    dns: Zone
    web: Webhost
    https: Https


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("a.test").configure_cert(server)
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    async with (
        zone({"a.test": {"A": ["127.0.0.1"]}, "b.test": {"A": ["127.0.0.1"]}}) as dns,
        webhost(server, {}) as web,
    ):
        resolver = Resolver([Place(dns.address, dns.port)], JumpClock(), SeededChance(), rounds=1)
        yield World(dns, web, Https(resolver, context=client, port=web.port, private=True))


async def test_get(world: World) -> None:
    world.web.pages["/x"] = Page(b"hello", "Text/Plain; charset=utf-8")
    response = await world.https.get("a.test", "/x", most_octets=5)
    assert (response.code, response.media_type, response.octets) == (200, "text/plain", b"hello")
    (request,) = world.web.requests
    assert (request.method, request.headers["host"]) == ("GET", f"a.test:{world.web.port}")
    assert request.headers["accept-encoding"] == "identity"
    assert (await world.https.get("a.test", "/y", most_octets=100)).code == 404


async def test_post(world: World) -> None:
    world.web.pages["/x"] = Page(code=201)
    for url in ("https://a.test/x", f"HTTPS://a.test:{world.web.port}/x"):
        assert (await world.https.post(url, b"octets", "application/tlsrpt+gzip")).code == 201
    request, _ = world.web.requests
    assert (request.method, request.body) == ("POST", b"octets")
    assert request.headers["content-type"] == "application/tlsrpt+gzip"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test/x", "https:///x", "https://a.test:x/", "mailto:a@b.test", "https://[zz]/", "https://[::1/",
        "https://\u00e4.test/",
    ],
)  # fmt: skip
async def test_no_url(world: World, url: str) -> None:
    with pytest.raises(HttpsFault, match="no URL"):
        await world.https.post(url, b"", "text/plain")


async def test_a_redirect_is_an_answer_and_not_followed(world: World) -> None:
    world.web.pages |= {"/x": Page(code=302, headers=("Location: /y",)), "/y": Page(b"hello")}
    assert (await world.https.get("a.test", "/x", most_octets=100)).code == 302
    assert len(world.web.requests) == 1


async def test_another_certificate(world: World) -> None:
    with pytest.raises(HttpsFault) as caught:
        await world.https.get("b.test", "/x", most_octets=100)
    assert caught.value.is_certificate
    assert world.web.requests == []


async def test_an_authority_that_nobody_knows(world: World) -> None:
    resolver = Resolver([Place(world.dns.address, world.dns.port)], JumpClock(), SeededChance())
    with pytest.raises(HttpsFault) as caught:
        await Https(resolver, port=world.web.port, private=True).get("a.test", "/x", most_octets=100)
    assert caught.value.is_certificate


async def test_too_long_and_too_slow(world: World) -> None:
    world.web.pages |= {"/x": Page(b"x" * 101), "/y": Page(is_silent=True)}
    with pytest.raises(HttpsFault, match="more than 100 octets"):
        await world.https.get("a.test", "/x", most_octets=100)
    with pytest.raises(HttpsFault, match="in time"):
        await world.https.get("a.test", "/y", most_octets=100, timeout_s=0.2)


async def test_no_host_there(world: World) -> None:
    with pytest.raises(HttpsFault, match="no address"):
        await world.https.get("c.test", "/", most_octets=100)
    world.dns.order("d.test", "A", Fault.SERVFAIL)
    with pytest.raises(DnsTrouble):
        await world.https.get("d.test", "/", most_octets=100)


@pytest.mark.parametrize("kind", ["A", "AAAA"])
async def test_no_address_of_our_own_network(world: World, kind: str) -> None:
    """Whoever writes the DNS of a domain must not have us ask them."""
    private = {
        "A": ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"],
        "AAAA": ["::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "ff02::1"],
    }[kind]
    resolver = Resolver([Place(world.dns.address, world.dns.port)], JumpClock(), SeededChance())
    https = Https(resolver, context=world.https._context, port=world.web.port)
    for number, address in enumerate(private):
        world.dns.records[f"p{number}.test"] = {kind: [address]}
        for url in (f"https://p{number}.test/x", f"https://p{number}.test:{world.web.port}/x"):
            with pytest.raises(HttpsFault, match="private addresses only"):
                await https.post(url, b"", "text/plain")
    assert world.web.requests == []


async def test_each_address_is_tried(world: World) -> None:
    world.dns.records["a.test"] = {"A": ["127.0.0.2", "127.0.0.1"], "AAAA": ["::1"]}  # none but one listens
    world.web.pages["/x"] = Page(b"hello")
    assert (await world.https.get("a.test", "/x", most_octets=100)).octets == b"hello"
    world.dns.records["e.test"] = {"AAAA": ["::1"]}
    with pytest.raises(HttpsFault) as caught:
        await world.https.get("e.test", "/x", most_octets=100)
    assert not caught.value.is_certificate
