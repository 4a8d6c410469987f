"""What a TLS client offers: real first flights from OpenSSL, cut in every way."""

import ssl

import pytest

from posthaus.net.hello import Offer, parse_offer


def first_flight(*protocols: str, name: str | None = "mx.example") -> bytes:
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    side = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        side.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("protocols", [("imap",), ("h2", "http/1.1"), ("x" * 255,)])
def test_offered(protocols: tuple[str, ...]) -> None:
    flight = first_flight(*protocols)
    wanted = tuple(name.encode() for name in protocols)
    assert parse_offer(flight) == wanted
    assert parse_offer(flight + b"\x14\x03\x03") == wanted
    for end in range(len(flight)):
        assert parse_offer(flight[:end]) is Offer.UNFINISHED


def test_in_several_records() -> None:
    body = first_flight("imap")[5:]
    records = [
        b"\x16\x03\x01" + len(body[at : at + 50]).to_bytes(2, "big") + body[at : at + 50]
        for at in range(0, len(body), 50)
    ]
    assert parse_offer(b"".join(records)) == (b"imap",)
    assert parse_offer(b"".join(records[:-1])) is Offer.UNFINISHED


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x01\x02", b"\x80\x2e\x01\x03\x01"])
def test_not_a_hello_is_left_to_openssl(octets: bytes) -> None:
    assert parse_offer(octets) is Offer.NONE


def test_without_alpn() -> None:
    assert parse_offer(first_flight()) is Offer.NONE


def test_endless_hello() -> None:
    assert parse_offer(b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"\x00" * 70_000) is Offer.NONE


def test_damaged_extensions_raise_nothing() -> None:
    flight = first_flight("imap", "pop3")
    for at in range(5, len(flight)):
        for value in (0, 255):
            parse_offer(flight[:at] + bytes([value]) + flight[at + 1 :])
