"""DANE for what we send: the TLSA records of a host, where DNSSEC vouches for the whole way to them.

Asked only where the MX answer was secure. A host whose addresses are not secure is not asked for TLSA records at all,
because name servers of such zones often fail at questions of that type; unless its name is an alias in a zone that is
secure. No answer is not the same as no records: whoever can suppress an answer must not turn DANE off.

Standards: RFC 7672 §2.2 and §3, RFC 6698 §2.1, RFC 7671 §7 (CNAMEs).
Faults:    DnsTrouble: this host cannot be used now.
"""

from dataclasses import dataclass
from typing import Protocol

from posthaus.base.dns import Answer, Resolver, Tlsa
from posthaus.flow.mx import Addresses

_TRUST_ANCHOR, _END_ENTITY = 2, 3
_SELECTORS = (0, 1)
_DIGEST_OCTETS = {1: 32, 2: 64}


class DaneResolver(Resolver, Protocol):
    async def cname(self, name: str) -> Answer[str]:
        """The alias itself, not followed."""
        ...


@dataclass(frozen=True, slots=True)
class Dane:
    """`base` is the name whose records these are: the one to ask for by SNI, and the first that a certificate may
    have. Without usable records TLS is demanded, but no proof (RFC 7672 §2.2)."""

    base: str
    records: tuple[Tlsa, ...]
    usable: tuple[Tlsa, ...]


async def dane_of(resolver: DaneResolver, host: str, port: int, at: Addresses) -> Dane | None:
    """None where DANE does not apply to this host."""
    for base in await _bases(resolver, host, at):
        answer = await resolver.tlsa(f"_{port}._tcp.{base}")
        if answer.is_secure and answer.records:
            records = tuple(answer.records)
            return Dane(base, records, tuple(one for one in records if is_usable(one)))
    return None


async def _bases(resolver: DaneResolver, host: str, at: Addresses) -> tuple[str, ...]:
    """TLSA base domains, in the order in which they are asked (RFC 7672 §2.2.2)."""
    if at.is_secure:
        return (at.name, host) if at.name and at.name != host else (host,)
    if at.name and (await resolver.cname(host)).is_secure:
        return (host,)
    return ()


def is_usable(one: Tlsa) -> bool:
    """RFC 7672 §3.1: DANE-TA and DANE-EE; the others are for those who trust the authorities of the web."""
    if one.usage not in (_TRUST_ANCHOR, _END_ENTITY) or one.selector not in _SELECTORS:
        return False
    if one.matching == 0:
        return bool(one.data)
    return len(one.data) == _DIGEST_OCTETS.get(one.matching, -1)
