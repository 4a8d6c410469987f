"""Which addresses are this host's own, and which are everybody's.

Standards: RFC 5321 §5.1 (a relay finds itself in the list), RFC 6890.
Faults:    none.
"""

import ipaddress
import socket
from collections.abc import Iterable

_ANY = ("0.0.0.0", "::")


def is_of_this_host(address: str) -> bool:
    """Whether an interface has it: only then can a socket be bound to it. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.bind((address, 0))
    except OSError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Whatever answers there is on this host."""
    return _plain(address).is_loopback


def is_public(address: str) -> bool:
    """It is nobody's private network, nor this host, nor a special purpose (RFC 6890)."""
    one = _plain(address)
    return one.is_global and not one.is_multicast


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    one = ipaddress.ip_address(address)
    return one.ipv4_mapped or one if isinstance(one, ipaddress.IPv6Address) else one


class OwnDoors:
    """Addresses and ports on which we listen; they come to be known one after the other."""

    def __init__(self, doors: Iterable[tuple[str, int]] = ()) -> None:
        self._doors: set[tuple[str, int]] = set()
        self._wide: set[tuple[bool, int]] = set()  # is it IPv6, port
        for address, port in doors:
            self.add(address, port)

    def add(self, address: str, port: int) -> None:
        self._doors.add((address, port))
        if address in _ANY:
            self._wide.add((":" in address, port))

    def __contains__(self, door: object) -> bool:
        if door in self._doors:
            return True
        if not isinstance(door, tuple):
            return False
        address, port = door
        return (":" in address, port) in self._wide and is_of_this_host(address)
