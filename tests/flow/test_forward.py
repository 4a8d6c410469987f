"""Sealing what an alias leads out: the findings are true, the seal holds, and another hop can go on."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.check.keys import MESSAGE, Zone, dkimpy_dns, records, rsa_key

from posthaus.check import arc
from posthaus.check.dkimsign import sign
from posthaus.flow import forward
from posthaus.flow.rotate import make_key
from posthaus.flow.site import Site
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope
from posthaus.net.peer import Peer
from posthaus.store import dkimkey
from posthaus.testing import kit

DOMAIN = "football.example.com"
AT = 1_528_637_909


def transaction(address: str = "192.0.2.1", path: str = "joe") -> Transaction:
    client = Client(Peer(address, 50_000, "192.0.2.25", 25), "cid", name="mx.football.example.com")
    return Transaction("tid", client, Envelope(Address(path, DOMAIN) if path else None), AT)


@pytest.fixture
async def office() -> AsyncIterator[kit.AsyncOffice]:
    async with kit.server() as office:
        yield office


@pytest.fixture
async def site(office: kit.AsyncOffice) -> Site:
    """With a key for its domain, and a DNS that has it."""
    zone = Zone.of_txt({**records(rsa_key()), DOMAIN: [b"v=spf1 ip4:192.0.2.1 -all"]})
    for algorithm in ("rsa", "ed25519"):
        new = make_key(kit.DOMAIN, algorithm, AT)
        number = await office.app.store.write(dkimkey.add, new, AT)
        await office.app.store.write(dkimkey.activate, [number], AT)
        zone.names[f"{new.selector}._domainkey.{kit.DOMAIN}", "TXT"] = [new.public.encode()]
    return replace(office.app.site, resolver=zone)


async def sealed(site: Site, octets: bytes, address: str = "192.0.2.1", path: str = "joe") -> bytes:
    found = await forward.seals(site, transaction(address, path), octets, [kit.DOMAIN, "other.test"])
    assert found["other.test"] == b""  # it has no key
    return found[kit.DOMAIN] + octets


@pytest.mark.parametrize("size", [0, 400_000], ids=["small", "large"])
async def test_what_we_saw_goes_along(site: Site, size: int) -> None:
    import dkim

    octets = MESSAGE + b"x" * 76 * (size // 76) + b"\r\n"
    signed = sign(octets, [rsa_key()], AT) + octets
    once = await sealed(site, signed)
    assert b"a=rsa-sha256" in once.partition(b"\r\n")[0]
    text = once.decode()
    assert "ARC-Authentication-Results: i=1; mail.example.test;\r\n\tdkim=pass header.d=football.example.com" in (
        text.replace(site.hostname, "mail.example.test")
    )
    assert ";\r\n\tspf=pass smtp.mailfrom=joe@football.example.com\r\n" in text
    twice = await sealed(site, once, "192.0.2.9")
    assert b"spf=fail smtp.mailfrom" in twice and b"arc=pass header.oldest-pass=0" in twice
    assert isinstance(site.resolver, Zone)
    chain = await arc.validate(twice, site.resolver, AT)
    assert (chain.value, chain.highest) == ("pass", 2)
    names = {name: found for (name, kind), found in site.resolver.names.items() if kind == "TXT" and found is not None}
    dns = dkimpy_dns({name: [one for one in found if isinstance(one, bytes)] for name, found in names.items()})
    assert dkim.arc_verify(twice, dnsfunc=dns)[0] == b"pass"


async def test_the_null_reverse_path_and_a_client_on_this_host(site: Site) -> None:
    assert b"spf=none smtp.helo=mx.football.example.com" in await sealed(site, MESSAGE, path="")
    local = await sealed(site, MESSAGE, "127.0.0.1")
    assert b"\tdkim=none\r\n" in local and b"spf=" not in local


async def test_nothing_to_seal(site: Site) -> None:
    own = transaction()
    own.author = Address("joe", kit.DOMAIN)
    for where, one, domain in (
        (site, own, kit.DOMAIN),
        (site, transaction(), "other.test"),
        (replace(site, resolver=None), transaction(), kit.DOMAIN),
    ):
        assert await forward.seals(where, one, MESSAGE, [domain]) == {domain: b""}
    assert isinstance(site.resolver, Zone) and site.resolver.asked == []  # nobody is asked for nothing
