"""The client's side of TLS over a real connection, on both event loops: proofs, names asked for, and what breaks."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from posthaus.net.connect import Connector
from posthaus.net.stream import Stream
from posthaus.net.tlsclient import ClientTls, Proof, Wanted
from posthaus.net.tlslayer import TlsFault
from posthaus.net.wheel import Wheel
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock

NOW = 1.8e9


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def connected(authority: trustme.CA, *names: str, seen: list[str | None] | None = None) -> AsyncIterator[Stream]:
    """A stream whose other end speaks TLS at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)

    def note(side: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if seen is not None:
            seen.append(name)

    context.sni_callback = note

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(1 << 16):
                writer.write(octets)
        except (ConnectionError, ssl.SSLError):
            pass
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        connector = Connector(Wheel(JumpClock()), SeededChance())
        stream = await connector.connect("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            yield stream
        finally:
            stream.abort()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> ClientTls:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return ClientTls(tmp_path / "ca.pem")


@pytest.mark.parametrize("proof", [Proof.NONE, Proof.AUTHORITY])
async def test_octets_pass(authority: trustme.CA, tls: ClientTls, proof: Proof) -> None:
    seen: list[str | None] = []
    async with connected(authority, "mx.example.org", seen=seen) as stream:
        assert await tls.secure(stream, Wanted(proof, "mx.example.org"), NOW) is (proof is Proof.AUTHORITY)
        assert stream.tls is not None and stream.tls.version == "TLSv1.3"
        assert len(stream.peer_chain()) == 1
        stream.write(b"x" * 200_000)
        heard = b""
        while len(heard) < 200_000:
            await stream.wait(60)
            heard += stream.take()
        await stream.close()
    assert seen == ["mx.example.org"]


@pytest.mark.parametrize(("name", "asked"), [("127.0.0.1", None), ("[192.0.2.1]", None), ("", None)])
async def test_an_address_is_not_asked_for(authority: trustme.CA, tls: ClientTls, name: str, asked: str | None) -> None:
    """RFC 6066 §3"""
    seen: list[str | None] = []
    async with connected(authority, "mx.example.org", seen=seen) as stream:
        await tls.secure(stream, Wanted(Proof.NONE, name), NOW)
    assert seen == [asked]


async def test_wildcards_on_either_side(authority: trustme.CA, tls: ClientTls) -> None:
    async with connected(authority, "*.example.org") as stream:
        assert await tls.secure(stream, Wanted(Proof.AUTHORITY, "mx.example.org"), NOW)
    async with connected(authority, "mx.example.org") as stream:
        assert await tls.secure(stream, Wanted(Proof.AUTHORITY, "mx.example.org", ("*.example.org",)), NOW)


async def test_another_name(authority: trustme.CA, tls: ClientTls) -> None:
    async with connected(authority, "other.example.org") as stream:
        with pytest.raises(TlsFault) as caught:
            await tls.secure(stream, Wanted(Proof.AUTHORITY, "mx.example.org"), NOW)
        assert caught.value.kind == "certificate-host-mismatch"
        assert stream.closing


async def test_another_authority(tls: ClientTls) -> None:
    async with connected(trustme.CA(), "mx.example.org") as stream:
        with pytest.raises(TlsFault) as caught:
            await tls.secure(stream, Wanted(Proof.AUTHORITY, "mx.example.org"), NOW)
        assert caught.value.kind == "certificate-not-trusted"


async def test_the_systems_authorities() -> None:
    """None of them has signed this one."""
    async with connected(trustme.CA(), "mx.example.org") as stream:
        with pytest.raises(TlsFault) as caught:
            await ClientTls().secure(stream, Wanted(Proof.AUTHORITY, "mx.example.org"), NOW)
        assert caught.value.kind == "certificate-not-trusted"


async def test_no_tls_at_the_other_end() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 I speak in the clear\r\n")
        await reader.read(1 << 16)
        writer.write(b"500 what?\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        stream = await Connector(Wheel(JumpClock()), SeededChance()).connect(
            "127.0.0.1", server.sockets[0].getsockname()[1]
        )
        with pytest.raises(TlsFault) as caught:
            await ClientTls().secure(stream, Wanted(Proof.NONE, "mx.example"), NOW)
        assert caught.value.kind == "validation-failure"
        await stream.close()
