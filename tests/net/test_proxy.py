"""The PROXY protocol: tables of headers, octet by octet, and everything malformed."""

import socket

import pytest

from posthaus.net.proxy import ProxyFault, ProxyHeader, parse_proxy

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + b"\x01\xbb\x00\x19"
V6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + b"\x01\xbb\x00\x19"
)


def binary(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(rest).to_bytes(2, "big") + rest


GOOD = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 443 25\r\n", ("192.0.2.7", 443, "198.51.100.1", 25)),
    (b"PROXY TCP6 2001:DB8::7 2001:db8::1 443 25\r\n", ("2001:db8::7", 443, "2001:db8::1", 25)),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 0 65535\r\n", ("192.0.2.7", 0, "::1", 65535)),
    (b"PROXY UNKNOWN\r\n", ("", 0, "", 0)),
    (b"PROXY UNKNOWN ffff:f::f ffff:f::f 65535 65535\r\n", ("", 0, "", 0)),
    (binary(0x21, 0x11, V4), ("192.0.2.7", 443, "198.51.100.1", 25)),
    (binary(0x21, 0x21, V6), ("2001:db8::7", 443, "2001:db8::1", 25)),
    (binary(0x21, 0x11, V4 + b"\x04\x00\x02\x00\x00" + b"\x01\x00\x00"), ("192.0.2.7", 443, "198.51.100.1", 25)),
    (binary(0x20, 0x00, b""), ("", 0, "", 0)),
    (binary(0x20, 0x11, b"anything at all"), ("", 0, "", 0)),
    (binary(0x21, 0x00, b""), ("", 0, "", 0)),
    (binary(0x21, 0x31, b"\x00" * 216), ("", 0, "", 0)),
]


@pytest.mark.parametrize(("octets", "wanted"), GOOD)
def test_whole_with_tail_and_octet_by_octet(octets: bytes, wanted: tuple[str, int, str, int]) -> None:
    header = ProxyHeader(len(octets), *wanted)
    assert parse_proxy(octets) == header
    assert parse_proxy(octets + b"EHLO x\r\n") == header
    for end in range(len(octets)):
        assert parse_proxy(octets[:end]) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO x\r\n",
        b"\x16\x03\x01\x02\x00",
        b"PROXY\r\n",
        b"PROXY  TCP4 192.0.2.7 198.51.100.1 443 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 443 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 0443 25\r\n",
        b"PROXY TCP4 192.0.2.777 198.51.100.1 443 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 443 25\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 443 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 443 25\n" + b"x" * 107,
        b"PROXY UDP4 192.0.2.7 198.51.100.1 443 25\r\n",
        b"proxy TCP4 192.0.2.7 198.51.100.1 443 25\r\n",
        b"PROXY UNKNOWN " + b"x" * 107,
        SIGNATURE + b"\x31\x11\x00\x00",
        SIGNATURE + b"\x22\x11\x00\x00",
        SIGNATURE + b"\x21\x11\xff\xff",
        binary(0x21, 0x11, V4[:-1]),
        binary(0x21, 0x11, V4 + b"\x04"),
        binary(0x21, 0x11, V4 + b"\x04\x00\x09x"),
        binary(0x21, 0x12, V4),
        binary(0x21, 0x41, V4),
        binary(0x21, 0x13, V4),
        binary(0x21, 0x21, V4),
    ],
)
def test_malformed(octets: bytes) -> None:
    with pytest.raises(ProxyFault):
        parse_proxy(octets)
