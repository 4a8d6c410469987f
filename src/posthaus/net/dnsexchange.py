"""One question to one resolver: a datagram there and one back, or the same over TCP where the answer is too long.

Each question has a socket of its own, so that its port is as hard to guess as its id; only the resolver's address is
heard on it, and what does not repeat the question is passed over in silence, because it may be forged.

Standards: RFC 1035 §4.2, RFC 5452 §9, RFC 7766 (TCP).
Faults:    OSError and TimeoutError.
"""

import asyncio
from collections.abc import Callable

IsReply = Callable[[bytes, bytes], bool]
_LENGTH_OCTETS = 2


class _Ear(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers."""

    def __init__(self, asked: bytes, is_reply: IsReply, heard: "asyncio.Future[bytes]") -> None:
        self._asked = asked
        self._is_reply = is_reply
        self._heard = heard

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._heard.done() and self._is_reply(self._asked, data):
            self._heard.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._heard.done():
            self._heard.set_exception(exc)


async def over_udp(asked: bytes, address: str, port: int, is_reply: IsReply) -> bytes:
    """Until the answer comes; the caller has the deadline."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Ear(asked, is_reply, heard), remote_addr=(address, port)
    )
    try:
        transport.sendto(asked)
        return await heard
    finally:
        transport.close()


async def over_tcp(asked: bytes, address: str, port: int, is_reply: IsReply) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(len(asked).to_bytes(_LENGTH_OCTETS) + asked)
        while True:
            length = int.from_bytes(await reader.readexactly(_LENGTH_OCTETS))
            octets = await reader.readexactly(length)
            if is_reply(asked, octets):
                return octets
    except asyncio.IncompleteReadError as fault:
        raise ConnectionResetError("the resolver closed the connection") from fault
    finally:
        writer.close()
