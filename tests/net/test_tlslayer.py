"""TLS in memory, both sides, without a socket."""

import ssl
from pathlib import Path

import pytest
import trustme

from posthaus.net.tls import Certificates
from posthaus.net.tlslayer import TlsFault, TlsLayer


class Ends:
    """A client of OpenSSL's own and our layer, joined by hand."""

    def __init__(self, folder: Path, protocols: tuple[str, ...] = ()) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert("mx.example")
        (folder / "mx.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        (folder / "mx.key").write_bytes(leaf.private_key_pem.bytes())
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        if protocols:
            trust.set_alpn_protocols(list(protocols))
        self.layer = TlsLayer(Certificates(folder, "mx.example").context("imap"))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trust.wrap_bio(self.incoming, self.outgoing, server_hostname="mx.example")

    def said(self) -> bytes:
        try:
            self.client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def shake(self, tail: bytes = b"") -> None:
        """`tail` is sent in one piece with the last octets of the handshake."""
        assert not self.layer.handshake(self.said())
        self.incoming.write(self.layer.outgoing())
        last = self.said()
        if tail:
            self.client.write(tail)
            last += self.outgoing.read()
        assert self.layer.handshake(last)
        self.incoming.write(self.layer.outgoing())

    def sealed(self, octets: bytes) -> bytes:
        self.client.write(octets)
        return self.outgoing.read()


def test_octets_behind_the_handshake_are_not_lost(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.shake(b"a1 NOOP\r\n")
    assert ends.layer.receive(b"") == (b"a1 NOOP\r\n", False)


def test_the_state_tells_what_was_agreed(tmp_path: Path) -> None:
    ends = Ends(tmp_path, ("h2", "imap"))
    ends.shake()
    state = ends.layer.state()
    assert (state.version, state.sni, state.alpn) == ("TLSv1.3", "mx.example", "imap")
    assert state.cipher
    assert ends.layer.end_point() is not None


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 1_000_000])
def test_any_size_both_ways(tmp_path: Path, size: int) -> None:
    ends = Ends(tmp_path)
    ends.shake()
    octets = bytes(index % 251 for index in range(size))
    if size:
        assert ends.layer.receive(ends.sealed(octets)) == (octets, False)
    ends.incoming.write(ends.layer.seal(octets))
    heard = b""
    while len(heard) < size:
        heard += ends.client.read(1 << 20)
    assert heard == octets


def test_octet_by_octet(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.shake()
    sealed = ends.sealed(b"one") + ends.sealed(b"two")
    clear = b"".join(ends.layer.receive(sealed[at : at + 1])[0] for at in range(len(sealed)))
    assert clear == b"onetwo"


def test_close_notify_of_the_peer_and_of_ours(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.shake()
    sealed = ends.sealed(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    assert ends.layer.receive(sealed + ends.outgoing.read()) == (b"last", True)
    ends.incoming.write(ends.layer.close_notify())
    ends.client.unwrap()


def test_no_protocol_in_common(tmp_path: Path) -> None:
    ends = Ends(tmp_path, ("h2",))
    with pytest.raises(TlsFault, match="NO_APPLICATION_PROTOCOL"):
        ends.layer.handshake(ends.said())
    ends.incoming.write(ends.layer.alert())
    with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
        ends.client.do_handshake()


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"EHLO x\r\n", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"])
def test_garbage_is_a_fault(tmp_path: Path, octets: bytes) -> None:
    ends = Ends(tmp_path)
    with pytest.raises(TlsFault):
        ends.layer.handshake(octets)
    ends.layer.alert()


def test_damaged_record(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    ends.shake()
    sealed = bytearray(ends.sealed(b"hello"))
    sealed[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        ends.layer.receive(bytes(sealed))
