"""Outgoing connections: both families, our own address, and what goes wrong, on both event loops."""

import asyncio
import socket

import pytest

from posthaus.net.connect import ConnectFault, Connector
from posthaus.net.wheel import Wheel
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock


def make(*sources: str) -> Connector:
    return Connector(Wheel(JumpClock()), SeededChance(), sources)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connects(host: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        writer.write(await reader.read(10))
        writer.close()

    async with await asyncio.start_server(greet, host, 0) as server:
        stream = await make().connect(host, server.sockets[0].getsockname()[1])
        assert stream.is_quiet or stream.take() == b"220 hi\r\n"
        assert (stream.peer.address, stream.peer.is_loopback, len(stream.cid)) == (host, True, 8)
        stream.write(b"octets")
        heard = b""
        while not heard.endswith(b"octets"):
            await stream.wait(60)
            heard += stream.take()
        await stream.close()


async def test_from_an_address_of_ours() -> None:
    came: list[str] = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername")[0])
        writer.close()

    async with await asyncio.start_server(look, "127.0.0.1", 0) as server:
        connector = make("::1", "127.0.0.3")
        stream = await connector.connect("127.0.0.1", server.sockets[0].getsockname()[1])
        assert stream.peer.local_address == "127.0.0.3"
        await stream.close()
    assert came == ["127.0.0.3"]


async def test_no_address_of_this_family() -> None:
    with pytest.raises(ConnectFault, match="no source address of this family"):
        await make("127.0.0.1").connect("::1", 25)


def test_a_destination_always_sees_the_same_address() -> None:
    connector = make("192.0.2.1", "192.0.2.2", "2001:db8::1")
    seen = {connector.source(f"198.51.100.{n}") for n in range(50)}
    assert seen == {"192.0.2.1", "192.0.2.2"}
    assert len({connector.source("198.51.100.7") for _ in range(9)}) == 1
    assert connector.source("2001:db8::2") == "2001:db8::1"
    assert make().source("192.0.2.1") is None


async def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectFault, match="Connection refused"):
        await make().connect("127.0.0.1", port)


async def test_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ConnectFault, match="no answer"):
        await make().connect("127.0.0.1", listener.getsockname()[1], timeout_s=0)


async def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(ConnectFault):
        await make("192.0.2.1").connect("127.0.0.1", 25)
