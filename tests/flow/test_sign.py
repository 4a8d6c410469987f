"""Signing what leaves: the keys of the author's domain as the store has them now, in every worker."""

import dkim
import pytest
from tests.check.keys import MESSAGE, dkimpy_dns

from posthaus.check.keyrecord import render_key_record
from posthaus.check.signingkey import make_private, read_signing_key
from posthaus.flow import sign
from posthaus.store import dkimkey
from posthaus.store.dkimkey import NewKey
from posthaus.testing import kit

DOMAIN = "football.example.com"


async def add(office: kit.AsyncOffice, selector: str, algorithm: str, names: dict[str, list[bytes]]) -> int:
    private = make_private(algorithm)
    record = render_key_record(read_signing_key(DOMAIN, selector, private).public)
    names[f"{selector}._domainkey.{DOMAIN}"] = [record.encode()]
    number = await office.app.store.write(dkimkey.add, NewKey(DOMAIN, selector, algorithm, private, record), 1)
    await office.app.store.write(dkimkey.activate, [number], 1)
    return number


@pytest.mark.parametrize("size", [0, 400_000], ids=["small", "large"])
async def test_signed_by_all_active_keys(size: int) -> None:
    names: dict[str, list[bytes]] = {}
    octets = MESSAGE + b"x" * 76 * (size // 76) + b"\r\n"
    async with kit.server() as office:
        site = office.app.site
        await office.domain(DOMAIN)
        assert await sign.signatures(site, DOMAIN, octets) == b""
        rsa = await add(office, "s1", "rsa", names)
        await add(office, "s2", "ed25519", names)
        prefix = await sign.signatures(site, DOMAIN, octets)
        assert [line for line in prefix.split(b"; ") if line.startswith(b"s=")] == [b"s=s1", b"s=s2"]
        for index in (0, 1):
            assert dkim.DKIM(prefix + octets).verify(idx=index, dnsfunc=dkimpy_dns(names))
        # A key that is retired signs no more, from the next message on; a newer one of the same kind takes over.
        await add(office, "s3", "rsa", names)
        await office.app.store.write(dkimkey.retire, [rsa], 1)
        prefix = await sign.signatures(site, DOMAIN, memoryview(octets))
        assert [line for line in prefix.split(b"; ") if line.startswith(b"s=")] == [b"s=s3", b"s=s2"]
        assert await sign.signatures(site, "other.test", octets) == b""
