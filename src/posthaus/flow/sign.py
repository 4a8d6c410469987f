"""Signing what leaves the house.

    author = ...                                   # the one address of From, as flow/submit.py gives it
    prefix = await sign.signatures(site, author.domain, octets) + prefix

`octets` are the blob as it is sent: made fit, its lines ended by CR LF. What comes back goes into the prefix of the
parcel, before its Received; it covers fields of the blob and its body, and nothing of the prefix. A domain without keys
gives b"": its mail goes unsigned. A message is signed once, never per try or recipient.

Standards: RFC 6376 §5.
Faults:    those of the store (Trouble).
"""

import asyncio

from posthaus.base import limit
from posthaus.check.dkimsign import sign
from posthaus.flow.site import Site


async def signatures(site: Site, domain: str, octets: bytes | memoryview) -> bytes:
    """DKIM-Signature fields by all active keys of the author's domain (so that d= is aligned with From)."""
    keys = await site.keyring.active(site.store, domain)
    if not keys:
        return b""
    at = int(site.clock.now())
    # A signature takes 0.3 ms; a thread for it would cost half of that again. Large bodies take longer to be hashed.
    if len(octets) <= limit.CHECK_INLINE_OCTETS:
        return sign(octets, keys, at)
    return await asyncio.to_thread(sign, octets, keys, at)
