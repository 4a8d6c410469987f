"""Mail that an alias leads out: sealed, so that the next host can see what we saw.

The next host finds our address in SPF, and a signature that may not survive a further hop; the seal tells it what held
when the message came to us. The lines stand in the prefix of the parcel, before Received, and cover the octets as they
are sent.

Standards: RFC 8617 §5.1 and §7.2.
Faults:    those of the store.
"""

import asyncio
from collections.abc import Iterable

from posthaus.base import limit
from posthaus.check import arcseal
from posthaus.check.signingkey import SigningKey
from posthaus.flow.authenticate import Findings, authenticate
from posthaus.flow.site import Site
from posthaus.flow.transaction import Transaction


async def seals(
    site: Site, transaction: Transaction, octets: bytes | memoryview, domains: Iterable[str]
) -> dict[str, bytes]:
    """ARC fields by domain, which is that of an alias. b"" without keys, without DNS, or where the chain is over.

    Mail of our own people needs none: we have signed it, and nobody vouches for himself.
    """
    keys = {domain: await site.keyring.active(site.store, domain) for domain in domains}
    if transaction.author is not None or site.resolver is None or not any(keys.values()):
        return dict.fromkeys(keys, b"")
    findings = await authenticate(site, site.resolver, transaction, octets)
    # RSA first: all verifiers know it
    return {domain: await _seal(site, one[0], octets, findings) if one else b"" for domain, one in keys.items()}


async def _seal(site: Site, key: SigningKey, octets: bytes | memoryview, findings: Findings) -> bytes:
    say = (octets, findings.chain, key, site.hostname, findings.results, int(site.clock.now()))
    if len(octets) <= limit.CHECK_INLINE_OCTETS:
        return arcseal.seal(*say)
    return await asyncio.to_thread(arcseal.seal, *say)
