"""Questions to a resolver over TLS: one connection for all of them, kept while it is used.

The resolver proves its name before it is asked anything (RFC 8310's strict profile), so nobody on the way can answer in
its place, and its AD bit can be relied on. Questions are not kept waiting for each other's answers.

Standards: RFC 7858 §3, RFC 7766 §6.2 (one connection, reused, answers in any order), RFC 8310 §5 and §8.1.
Faults:    OSError (a certificate for another name among them).
"""

import asyncio
import ssl
from collections.abc import Callable

from posthaus.base import limit

IsReply = Callable[[bytes, bytes], bool]
_LENGTH_OCTETS = 2


class TlsLine:
    """The way to one resolver."""

    def __init__(self, address: str, port: int, name: str, context: ssl.SSLContext | None = None) -> None:
        """name: what its certificate must be for. context: whom to trust; without it, as the system does."""
        self._address = address
        self._port = port
        self._name = name
        self._context = context
        self._lock = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._waiting: dict[bytes, tuple[bytes, IsReply, asyncio.Future[bytes]]] = {}

    async def ask(self, asked: bytes, is_reply: IsReply) -> bytes:
        """Until the answer comes; the caller has the deadline."""
        try:
            return await self._ask(asked, is_reply)
        except ConnectionError:  # RFC 7766 §6.2.4: it may have closed what was idle, just now
            return await self._ask(asked, is_reply)

    async def close(self) -> None:
        listening = self._listening
        if listening is not None:
            listening.cancel()
            await asyncio.wait([listening])

    async def _ask(self, asked: bytes, is_reply: IsReply) -> bytes:
        async with self._lock:
            writer = self._writer or await self._connect()
        key = asked[:2]
        if key in self._waiting:
            raise OSError("two questions with one id")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[key] = (asked, is_reply, answer)
        try:
            writer.write(len(asked).to_bytes(_LENGTH_OCTETS) + asked)
            return await answer
        finally:
            self._waiting.pop(key, None)
            self._rest()

    async def _connect(self) -> asyncio.StreamWriter:
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        reader, writer = await asyncio.open_connection(
            self._address, self._port, ssl=self._context, server_hostname=self._name
        )
        self._writer = writer
        self._listening = asyncio.get_running_loop().create_task(self._listen(reader, writer))
        return writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                octets = await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH_OCTETS)))
                asked, is_reply, answer = self._waiting.get(octets[:2], (b"", None, None))
                if answer is not None and is_reply is not None and not answer.done() and is_reply(asked, octets):
                    answer.set_result(octets)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer = self._listening = None
            writer.transport.abort()
            for _, _, answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the resolver closed the connection"))

    def _rest(self) -> None:
        """A connection that nobody uses for a while is closed."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(limit.DNS_TLS_IDLE_S, self._tire)

    def _tire(self) -> None:
        if not self._waiting and self._listening is not None:
            self._listening.cancel()
