"""Who is at the other end, and what protects the way there."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from posthaus.base.value import value

_KNOWN = 1_000  # addresses, read once: each session asks of its own several times


@value
class Peer:
    """The client's address and ours; behind a load balancer both are what its PROXY header said."""

    address: str
    port: int
    local_address: str
    local_port: int
    proxied: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether the client itself is on this host; never true because the load balancer is."""
        address = _read(self.address)
        return address is not None and address.is_loopback


@dataclass(frozen=True, slots=True)
class TlsState:
    """What was agreed in the handshake."""

    version: str
    cipher: str
    sni: str | None
    alpn: str | None


def plain_address(address: str) -> str:
    """Without scope, and IPv4 as IPv4 (RFC 4291 §2.5.5.2), so that one client has one name."""
    address = address.partition("%")[0]
    if address[:7].lower() == "::ffff:":
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
        return address if mapped is None else str(mapped)
    return address


def wide_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Those that nobody can answer for as a whole: IPv4 of /15 and less, IPv6 of /32 and less."""
    parsed = ((one, ipaddress.ip_network(one)) for one in networks)
    return tuple(one for one, network in parsed if network.prefixlen <= (15 if network.version == 4 else 32))


class Networks:
    """A set of networks."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = tuple(ipaddress.ip_network(one) for one in networks)

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        wanted = _read(address)
        return wanted is not None and any(wanted in network for network in self._networks)


@lru_cache(maxsize=_KNOWN)
def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
