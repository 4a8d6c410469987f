"""Mail that an alias leads out: sealed, so that the next host can see what we saw.

The next host finds our address in SPF, and a signature that may not survive a further hop; the seal tells it what held
when the message came to us. The lines stand in the prefix of the parcel, before Received, and cover the octets as they
are sent.

Standards: RFC 8617 §5.1 and §7.2.
Faults:    those of the store.
"""

import asyncio

from posthaus.base import limit
from posthaus.check import arcseal
from posthaus.flow.authenticate import Findings, authenticate
from posthaus.flow.site import Site
from posthaus.flow.transaction import Transaction


async def look(site: Site, transaction: Transaction, octets: bytes | memoryview) -> Findings | None:
    """What is to be sealed, once for all aliases; None where DNS cannot be asked.

    Mail of our own people needs no seal: we have signed it, and nobody vouches for himself.
    """
    return None if site.resolver is None else await authenticate(site, site.resolver, transaction, octets)


async def seal(site: Site, domain: str, octets: bytes | memoryview, findings: Findings) -> bytes:
    """ARC fields by a key of `domain`, which is the alias's; b"" without keys, or where the chain is over."""
    keys = await site.keyring.active(site.store, domain)
    if not keys:
        return b""
    at = int(site.clock.now())
    say = (octets, findings.chain, keys[0], site.hostname, findings.results, at)  # RSA first: all verifiers know it
    if len(octets) <= limit.CHECK_INLINE_OCTETS:
        return arcseal.seal(*say)
    return await asyncio.to_thread(arcseal.seal, *say)
