"""Which addresses are this host's own.

Standards: RFC 5321 §5.1 (a relay finds itself in the list).
Faults:    none.
"""

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


class OwnDoors:
    """Addresses and ports on which we listen."""

    def __init__(self, doors: Iterable[tuple[str, int]]) -> None:
        self._doors = frozenset(doors)
        self._wide = frozenset((":" in address, port) for address, port in self._doors if address in _ANY)

    def __contains__(self, door: object) -> bool:
        if door in self._doors:
            return True
        if not isinstance(door, tuple):
            return False
        address, port = door
        return (":" in address, port) in self._wide and is_of_this_host(address)
