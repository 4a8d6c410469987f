"""The PROXY protocol, versions 1 and 2: a load balancer tells the client's address before anything else.

Read only from networks that the settings trust, and there it is not optional: the protocol forbids to guess. What is
malformed closes the connection.

Standards: The PROXY protocol, versions 1 and 2 (HAProxy, 2020-03-05), §2.1, §2.2.
Faults:    ProxyFault (ConnectionError).
"""

import ipaddress
import re
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.net.peer import plain_address

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LINE_OCTETS = 107
_LINE = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\Z")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: [ -~]*)?\Z")
_LOCAL, _PROXY = 0x20, 0x21
_ADDRESS_OCTETS = {0: 0, 1: 4, 2: 16}  # AF_UNSPEC, AF_INET, AF_INET6
_UNIX, _UNIX_OCTETS = 3, 216


class ProxyFault(ConnectionError):
    """Not a PROXY header, from a network whose connections begin with one."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header of size octets. Without an address (LOCAL, UNKNOWN) the connection speaks for itself."""

    size: int
    address: str = ""
    port: int = 0
    local_address: str = ""
    local_port: int = 0


def parse_proxy(octets: bytes) -> ProxyHeader | None:
    """The header at the start of the octets; None while it is not whole."""
    if octets.startswith(_SIGNATURE[: len(octets)]):
        return _parse_binary(octets) if len(octets) >= 16 else None
    if octets.startswith(b"PROXY "[: len(octets)]):
        return _parse_line(octets)
    raise ProxyFault("no PROXY header")


def _parse_line(octets: bytes) -> ProxyHeader | None:
    end = octets.find(b"\r\n", 0, _LINE_OCTETS)
    if end < 0:
        if len(octets) >= _LINE_OCTETS:
            raise ProxyFault("PROXY line too long")
        return None
    line = octets[:end]
    if _UNKNOWN.match(line):
        return ProxyHeader(end + 2)
    match = _LINE.match(line)
    if match is None:
        raise ProxyFault("malformed PROXY line")
    family = 4 if match.group(1) == b"TCP4" else 6
    port, local_port = int(match.group(4)), int(match.group(5))
    if port > 65535 or local_port > 65535:
        raise ProxyFault("port out of range")
    return ProxyHeader(end + 2, _address(match.group(2), family), port, _address(match.group(3), family), local_port)


def _address(text: bytes, family: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise ProxyFault("malformed address") from None
    if address.version != family:
        raise ProxyFault("address of the other family")
    return plain_address(str(address))


def _parse_binary(octets: bytes) -> ProxyHeader | None:
    command, family, transport = octets[12], octets[13] >> 4, octets[13] & 15
    size = 16 + int.from_bytes(octets[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise ProxyFault("unknown version or command")
    if size > limit.PROXY_HEADER_OCTETS:
        raise ProxyFault("PROXY header too long")
    if len(octets) < size:
        return None
    if command == _LOCAL:
        return ProxyHeader(size)  # a health check of the load balancer itself; the rest must be ignored
    width = _ADDRESS_OCTETS.get(family)
    if (width is None and family != _UNIX) or transport > 2:
        raise ProxyFault("unknown address family or transport")
    tlvs = 16 + (_UNIX_OCTETS if width is None else 2 * width + 4 if width else 0)
    _check_tlvs(octets, tlvs, size)
    if not width:
        return ProxyHeader(size)
    if transport != 1:
        raise ProxyFault("not a stream")
    ports = 16 + 2 * width
    return ProxyHeader(
        size,
        plain_address(str(ipaddress.ip_address(octets[16 : 16 + width]))),
        int.from_bytes(octets[ports : ports + 2], "big"),
        plain_address(str(ipaddress.ip_address(octets[16 + width : ports]))),
        int.from_bytes(octets[ports + 2 : ports + 4], "big"),
    )


def _check_tlvs(octets: bytes, at: int, end: int) -> None:
    """Extra fields are allowed and not read, but they must fill the header exactly."""
    if at > end:
        raise ProxyFault("PROXY header too short for its addresses")
    while at + 3 <= end:
        at += 3 + int.from_bytes(octets[at + 1 : at + 3], "big")
    if at != end:
        raise ProxyFault("malformed extra field")
