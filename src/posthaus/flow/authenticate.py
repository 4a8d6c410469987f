"""What a message that came in proves about itself: SPF of its client, DKIM of its signers, the ARC chain of its way.

The three ask DNS at the same time. Nothing is decided here: findings are told.

Standards: RFC 7208 §2.3 and §2.4, RFC 6376 §6, RFC 8617 §5.2, RFC 8601 §2.7.
Faults:    none; DNS that does not answer is a finding.
"""

import asyncio
from dataclasses import dataclass

from posthaus.base.dns import Resolver
from posthaus.check import arc, dkim, spf
from posthaus.check.arc import Chain
from posthaus.check.dkim import Verification
from posthaus.check.spf import Spf
from posthaus.flow.site import Site
from posthaus.flow.transaction import Transaction
from posthaus.mail.trace import Result


@dataclass(frozen=True, slots=True)
class Findings:
    spf: Spf | None  # None for a client on this host, of whom SPF knows nothing
    dkim: tuple[Verification, ...]
    chain: Chain

    @property
    def results(self) -> list[Result]:
        """As Authentication-Results has them."""
        found = [one.result for one in self.dkim] or [Result("dkim", "none")]
        if self.spf is not None:
            found.append(self.spf.result)
        return [*found, self.chain.result] if self.chain.value != "none" else found


async def authenticate(
    site: Site, resolver: Resolver, transaction: Transaction, octets: bytes | memoryview
) -> Findings:
    now = site.clock.now()
    about_client, signers, chain = await asyncio.gather(
        _spf(site, resolver, transaction, now),
        dkim.verify(octets, resolver, now),
        arc.validate(octets, resolver, now),
    )
    return Findings(about_client, tuple(signers), chain)


async def _spf(site: Site, resolver: Resolver, transaction: Transaction, now: float) -> Spf | None:
    client, path = transaction.client, transaction.envelope.reverse_path
    if client.peer.is_loopback:
        return None
    sender = "" if path is None else str(path)
    return await spf.check(client.peer.address, client.name, sender, resolver, receiver=site.hostname, now=now)
