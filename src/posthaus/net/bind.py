"""Listening sockets.

Each worker gets a socket of its own for each address and port (SO_REUSEPORT), so that the kernel spreads connections
evenly; they are all bound before the first worker starts and outlive each of them. Because SO_REUSEPORT would also let
a second server of the same user in unseen, a port is tried without it first.

Standards: RFC 3493 §5.3 (IPV6_V6ONLY).
Faults:    BindFault (Refusal).
"""

import errno
import socket

from posthaus.base.error import Refusal

_BACKLOG = 1_024
_KEEP_ALIVE_IDLE_S = 300  # finds clients that left without a word, before IMAP's half hour
_NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class BindFault(Refusal):
    """One line that names address and port."""


def bind(address: str, port: int, count: int = 1, *, try_first: bool = True) -> list[socket.socket]:
    """`count` listening sockets on one port (any free one for 0); none where the host has no such IPv6 address.

    `try_first` is turned off to add sockets to a port on which we listen already.
    """
    sockets: list[socket.socket] = []
    try:
        if port and try_first:
            _bind_one(address, port, shared=False).close()
        for _ in range(count):
            sockets.append(_bind_one(address, port, shared=True))
            port = sockets[0].getsockname()[1]
        for one in sockets:
            one.listen(_BACKLOG)
    except OSError as fault:
        for one in sockets:
            one.close()
        if ":" in address and fault.errno in _NO_SUCH_FAMILY:
            return []
        raise BindFault(f"cannot listen on {address} port {port}: {fault.strerror}") from fault
    return sockets


def _bind_one(address: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared and hasattr(socket, "SO_REUSEPORT"):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_IDLE_S)
        one.setblocking(False)
        one.bind((address, port))
    except OSError:
        one.close()
        raise
    return one
