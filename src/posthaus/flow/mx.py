"""Which hosts take a domain's mail, as the DNS has it: names in order of preference, and the addresses of each.

Standards: RFC 5321 §5.1 and §5.2, RFC 7505 (null MX), RFC 3596, RFC 7672 §2.2 (what is secure).
Faults:    DnsTrouble from hosts_of().
"""

import asyncio
import ipaddress
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import chain, zip_longest

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.dns import Answer, DnsTrouble, Mx, Resolver
from posthaus.mail.outcome import Kind, Outcome

_SHUFFLE_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Hosts:
    """`is_secure`: DNSSEC says that these are the domain's hosts, or that it has no MX. `domain` is where its CNAMEs
    led, for the names of certificates."""

    hosts: tuple[Mx, ...]
    is_secure: bool
    domain: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one host. `trouble` where there are none and there may be some."""

    found: tuple[str, ...] = ()
    is_secure: bool = False
    name: str = ""  # where the CNAMEs led; "" without one
    trouble: str = ""


async def hosts_of(resolver: Resolver, domain: str, chance: Chance) -> Hosts | Outcome:
    """In order: by preference, and among equals as chance has it (RFC 5321 §5.1)."""
    answer = await resolver.mx(domain)
    if not answer.exists:
        return Outcome(Kind.FAILED, 0, "5.1.2", f"there is no domain {domain}")
    end = answer.name or domain
    if not answer.records:
        return Hosts((Mx(0, domain),), answer.is_secure, end)  # the implicit MX
    real = [mx for mx in answer.records if mx.host]
    if not real:
        return Outcome(Kind.FAILED, 556, "5.1.10", f"{domain} takes no mail (null MX)")
    mixed = {mx: chance.octets(_SHUFFLE_OCTETS) for mx in sorted(real, key=lambda mx: (mx.preference, mx.host))}
    ordered = sorted(mixed, key=lambda mx: (mx.preference, mixed[mx]))
    return Hosts(tuple(ordered[: limit.NEXTHOP_HOSTS]), answer.is_secure, end)


async def addresses_of(resolver: Resolver, host: str, *, ipv4: bool = True, ipv6: bool = True) -> Addresses:
    """Both families in turn, IPv6 first, so that a limit leaves some of each."""
    if is_address(host):
        return Addresses()  # RFC 5321 §5.1: an MX record names a host; "192.0.2.1" is none
    asked: list[Awaitable[Answer[str]]] = []
    if ipv6:
        asked.append(resolver.aaaa(host))
    if ipv4:
        asked.append(resolver.a(host))
    answers: list[Answer[str]] = []
    trouble = ""
    for one in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(one, DnsTrouble):
            trouble = str(one)
        elif isinstance(one, BaseException):
            raise one
        else:
            answers.append(one)
    pairs = zip_longest(*([a for a in answer.records if _is_usable(a)] for answer in answers))
    found = tuple(address for address in chain.from_iterable(pairs) if address is not None)
    return Addresses(
        found[: limit.NEXTHOP_ADDRESSES],
        bool(found) and all(answer.is_secure for answer in answers if answer.records),
        next((answer.name for answer in answers if answer.name), ""),
        trouble if not found else "",
    )


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_usable(address: str) -> bool:
    one = ipaddress.ip_address(address)
    return not (one.is_unspecified or one.is_multicast)
