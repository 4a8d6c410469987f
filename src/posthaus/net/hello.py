"""The protocols that a TLS client offers (ALPN), read from its first message.

The ssl module goes on in silence when client and server have no protocol in common, and cannot say whether the client
offered any. A browser that was led to our port (ALPACA) must be turned away, so we look ourselves.

Standards: RFC 8446 §4.1.2, RFC 8446 §5.1, RFC 7301 §3.1, RFC 7301 §3.2.
Faults:    none: what is not a ClientHello is left for OpenSSL to refuse.
"""

from enum import Enum

from posthaus.base import limit

NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"
"""A fatal alert, 120 (RFC 7301 §3.2)."""

_CLIENT_HELLO = 1
_ALPN = 16


class Offer(Enum):
    UNFINISHED = 0  # more octets are needed
    NONE = 1  # no ALPN in it, or not a ClientHello at all


def parse_offer(octets: bytes) -> tuple[bytes, ...] | Offer:
    """The names offered in the first flight of a client."""
    if len(octets) > limit.TLS_HELLO_OCTETS:
        return Offer.NONE
    hello = bytearray()
    start = 0
    while True:
        if octets[start : start + 1] not in (b"", b"\x16"):
            return Offer.NONE
        end = start + 5 + int.from_bytes(octets[start + 3 : start + 5], "big")
        if start + 5 > len(octets) or end > len(octets):
            return Offer.UNFINISHED
        hello += octets[start + 5 : end]
        if hello and hello[0] != _CLIENT_HELLO:
            return Offer.NONE
        if len(hello) >= 4 and len(hello) >= 4 + int.from_bytes(hello[1:4], "big"):
            return _offered(bytes(hello[4 : 4 + int.from_bytes(hello[1:4], "big")]))
        start = end


def _offered(body: bytes) -> tuple[bytes, ...] | Offer:
    """struct { version; random; session id; cipher suites; compression methods; extensions } ClientHello"""
    at = 34
    for width in (1, 2, 1):
        at += width + int.from_bytes(body[at : at + width], "big")
    end = min(at + 2 + int.from_bytes(body[at : at + 2], "big"), len(body))
    at += 2
    while at + 4 <= end:
        kind = int.from_bytes(body[at : at + 2], "big")
        size = int.from_bytes(body[at + 2 : at + 4], "big")
        if kind == _ALPN:
            return _names(body[at + 6 : at + 4 + size])
        at += 4 + size
    return Offer.NONE


def _names(listed: bytes) -> tuple[bytes, ...]:
    names = []
    at = 0
    while at < len(listed):
        names.append(listed[at + 1 : at + 1 + listed[at]])
        at += 1 + listed[at]
    return tuple(names)
