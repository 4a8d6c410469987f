"""A listener: accepts on one bound socket, and runs one service for each connection in one task.

Before the service starts: the PROXY header where a load balancer is trusted, the limits on connections, and the
handshake where TLS comes first. After it the connection is closed, whatever happened. An exception out of a service is
a defect: it is logged with its stack and counted, and it ends this connection only.

Standards: RFC 8314 §3 (TLS from the start).
Faults:    none of its own.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import socket

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.net.peer import Networks, Peer
from posthaus.net.proxy import ProxyFault, parse_proxy
from posthaus.net.stream import Stream, Wake
from posthaus.net.tlslayer import TlsFault
from posthaus.net.wheel import Wheel

Service = Callable[[Stream], Awaitable[None]]

_CID_LETTERS = 8


class Census:
    """Who is connected to this worker, over all its listeners."""

    def __init__(self, total: int = limit.CONNECTIONS_PER_WORKER, each: int = limit.CONNECTIONS_PER_ADDRESS) -> None:
        self._most, self._most_each = total, each
        self._addresses: dict[str, int] = {}
        self.total = 0

    def enter(self, address: str) -> bool:
        """Counts one more; false, and nothing counted, when that is too many."""
        count = self._addresses.get(address, 0)
        if self.total >= self._most or count >= self._most_each:
            return False
        self._addresses[address] = count + 1
        self.total += 1
        return True

    def leave(self, address: str) -> None:
        self.total -= 1
        count = self._addresses[address] - 1
        if count:
            self._addresses[address] = count
        else:
            del self._addresses[address]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all listeners of one worker share."""

    wheel: Wheel
    chance: Chance
    log: Log
    metric: Metric
    census: Census
    proxies: Networks


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a listener meets its clients."""

    name: str
    refusal: bytes
    """One line for a client over the limits, such as b"421 4.7.0 Too many connections\\r\\n"."""
    tls: Callable[[], ssl.SSLContext] | None = None
    """The context when TLS comes first; asked anew for each connection, so that a reload is seen."""


class Listener:
    """Accepts from start() to stop(); sessions may live on after that until drained or cut."""

    def __init__(self, bound: socket, service: Service, greeting: Greeting, around: Surroundings) -> None:
        self._bound = bound
        self._service = service
        self._greeting = greeting
        self._around = around
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], Stream] = {}
        self.port: int = bound.getsockname()[1]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_stream, sock=self._bound)

    def stop(self) -> None:
        """No more connections; those that stand go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def say_goodbye(self) -> None:
        """Tells every session that the worker is about to stop."""
        for stream in self._sessions.values():
            stream.draining = True
            stream.ring()

    def cut(self) -> None:
        """Ends every session now."""
        for task, stream in self._sessions.items():
            stream.abort()
            task.cancel()

    @property
    def sessions(self) -> tuple[asyncio.Task[None], ...]:
        return tuple(self._sessions)

    def _new_stream(self) -> Stream:
        return Stream(self._around.wheel, self._accept, self._around.chance.name(_CID_LETTERS))

    def _accept(self, stream: Stream) -> None:
        task = asyncio.get_running_loop().create_task(self._run(stream))
        self._sessions[task] = stream
        task.add_done_callback(self._sessions.pop)

    async def _run(self, stream: Stream) -> None:
        around = self._around
        around.metric.count("connection." + self._greeting.name)
        try:
            await self._meet(stream)
        except TlsFault as fault:
            around.metric.count("tls.failed")
            self._tell(stream, "tls.failed", str(fault))
        except ProxyFault as fault:
            self._tell(stream, "proxy.refused", str(fault))
        except ConnectionError:
            pass  # the peer left; the session has logged what mattered
        except Exception as exc:
            around.metric.count("session.defect")
            around.log.defect("session.defect", exc, cid=stream.cid, service=self._greeting.name)
        except asyncio.CancelledError:
            stream.abort()
            raise
        await stream.close()

    async def _meet(self, stream: Stream) -> None:
        if stream.peer.address in self._around.proxies:
            await self._read_proxy(stream)
        address = stream.peer.address
        if not self._around.census.enter(address):
            self._around.metric.count("connection.refused")
            self._tell(stream, "connection.refused", "too many")
            stream.refuse(b"" if self._greeting.tls else self._greeting.refusal)
            return
        try:
            if self._greeting.tls is not None:
                await stream.begin_tls(self._greeting.tls())
            await self._service(stream)
        finally:
            self._around.census.leave(address)

    async def _read_proxy(self, stream: Stream) -> None:
        due = self._around.wheel.monotonic() + limit.PROXY_HEADER_TIMEOUT_S
        octets = b""
        while (header := parse_proxy(octets)) is None:
            if await stream.wait(due - self._around.wheel.monotonic()) in (Wake.DEADLINE, Wake.END):
                raise ProxyFault("no PROXY header came")
            octets += stream.take()
        there = stream.peer
        if header.address:
            there = Peer(header.address, header.port, header.local_address, header.local_port, proxied=True)
        stream.take_address(there, octets[header.size :])

    def _tell(self, stream: Stream, event: str, why: str) -> None:
        service = self._greeting.name
        self._around.log.event(event, cid=stream.cid, service=service, peer=stream.peer.address, why=why)


async def drain(listeners: "list[Listener]", timeout_s: float) -> None:
    """Stops all of them: no more connections at once, goodbye to every session, and after the time a cut."""
    for listener in listeners:
        listener.stop()
        listener.say_goodbye()
    waiting = [task for listener in listeners for task in listener.sessions]
    if waiting and timeout_s > 0:
        await asyncio.wait(waiting, timeout=timeout_s)
    for listener in listeners:
        listener.cut()
    waiting = [task for task in waiting if not task.done()]
    if waiting:
        await asyncio.wait(waiting, timeout=limit.CLOSE_TIMEOUT_S)
